# What the node goes by, without the rules that it was checked by. These, and what else is needed
# once, are in the heap only while they work: on a board they cost as much as a sensor's driver.

import gc
import sys

from amont_node.pair import PairFile

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
    pair = PairFile(folder, "config")
    try:
        data, values = _newer(pair.load(), version, items)
    finally:
        forget("config")
    pair.save(data)  # only now: the rules leave it the heap that it needs
    return values  # type: ignore[no-any-return]


def _newer(before, version: int, items: list[tuple[int, int]]):  # type: ignore[no-untyped-def]
    from amont_node.config import NodeConfig, newer

    if not isinstance(before, dict):
        raise ConfigError("no good copy to change")
    data = newer(before, version, items)
    return data, Values(NodeConfig(data))


# The heap takes a module of ours back once nothing refers to it. Only a board is short of it.
def forget(name: str) -> None:
    if sys.implementation.name == "micropython":
        import amont_node

        sys.modules.pop("amont_node." + name, None)
        if hasattr(amont_node, name):
            delattr(amont_node, name)
        gc.collect()
