# What the node goes by, without the rules that it was checked by. These, and what else is needed
# once, are in the heap only while they work: on a board they cost as much as a sensor's driver.

import gc
import sys

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only
    from amont_node.config import NodeConfig


class ConfigError(ValueError):
    pass


# A checked configuration's values.
class Values:
    def __init__(self, checked) -> None:  # type: ignore[no-untyped-def]
        said = checked.__dict__
        for name in said:
            setattr(self, name, _plain(said[name]))


def _plain(value):  # type: ignore[no-untyped-def]
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return Values(value) if hasattr(value, "__dict__") else value


# (configuration, secret, damaged copies). ConfigError, OSError: the node cannot live.
def load(folder: str, is_safe: bool) -> "tuple[NodeConfig, bytes, int]":
    from amont_node.config import ConfigStore, load_secret, plain

    try:
        store = ConfigStore(folder)
        config = store.load()
        if is_safe:
            config = plain(config)
        return Values(config), load_secret(folder), store.damaged()  # type: ignore[return-value]
    finally:
        forget("config")


# The newer configuration that a downlink makes, durable. ConfigError, OSError: all is as before.
def change(folder: str, version: int, items: list[tuple[int, int]]) -> "NodeConfig":
    from amont_node.config import ConfigStore

    try:
        store = ConfigStore(folder)
        config = store.load().changed(version, items)
        store.save(config)
        return Values(config)  # type: ignore[return-value]
    finally:
        forget("config")


# The heap takes a module of ours back once nothing refers to it. Only a board is short of it.
def forget(name: str) -> None:
    if sys.implementation.name == "micropython":
        import amont_node

        sys.modules.pop("amont_node." + name, None)
        if hasattr(amont_node, name):
            delattr(amont_node, name)
        gc.collect()
