"""Look at a folder of models beside those that are kept, and trust its key: a person's act."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

HELP = "examine the models' folder; --accept trusts the key beside it from now on"


def add(command: argparse.ArgumentParser, data_dir: Path) -> None:
    """Add the options."""
    command.add_argument("--artifacts", type=Path, required=True, help="folder of the models")
    command.add_argument("--data", type=Path, default=data_dir, help="data folder")
    command.add_argument(
        "--accept",
        action="store_true",
        help="trust the key in the folder, if its models are sound",
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def run(asked: argparse.Namespace) -> tuple[str, bool]:
    """Return what was found and whether all is well; LookupError says what cannot be accepted."""
    from amont_gateway.scoring.model_files import ModelError  # numpy and cryptography are large
    from amont_gateway.scoring.model_folder import accept

    try:
        if asked.accept:
            accept(asked.artifacts, asked.data)
    except (ModelError, OSError) as error:
        raise LookupError(str(error)) from error
    found = look(asked.artifacts, asked.data)
    if asked.json:
        return json.dumps(found), not found["faults"]
    lines = [f"key beside the models: {found['key'] or 'none'}"]
    lines.append(f"key trusted here: {found['trusted'] or 'none yet: the first one will be'}")
    lines += [f"{name}: {sha256}" for name, sha256 in found["models"].items()]
    lines += [f"REFUSED {why}" for why in found["faults"]]
    return "\n".join(lines), not found["faults"]


def look(artifacts: Path, data: Path) -> dict[str, Any]:
    """Return what lies in a folder of models, judged by the trusted key; change nothing."""
    from amont_gateway.scoring.model_files import ModelError, read_key
    from amont_gateway.scoring.model_folder import load_set, trusted_key

    key = trusted = None
    try:
        trusted = trusted_key(data)
        key = read_key(artifacts)
        found = load_set(artifacts, trusted)
        faults = list(dict.fromkeys(found.faults.values()))
        models = {model.name: model.sha256 for model in found.models.values()}
    except ModelError as error:
        faults, models = [str(error)], {}
    return {"key": key, "trusted": trusted, "models": models, "faults": faults}
