"""Read YAML by the declared types, keeping every line number and collecting every problem.

The file's own idea of types is not used: ``holidays: NO`` is a text because the model says so,
and ``night_from: 02:00`` is no number of seconds. Aliases are refused: a few lines of them can
grow without bound.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

import msgspec
import yaml
from msgspec import inspect

from amont_site.foreign import EXACT_PATTERN, PATH_PATTERN
from amont_site.problems import Problem, dotted

Path = tuple[str | int, ...]
SIZE_MAX = 1_000_000

# What a value of this form looks like, for "such as"
EXAMPLES = {
    "id": "pont-neuf", "sensor": "pont-neuf-a", "port": "/dev/amont-bridge",
    "name": "{fr: …, en: …}",
    "night_from": "02:00", "night_to": "04:00", "holidays": "FR", "url": "http://127.0.0.1:8086",
    "database": "amont", "interval_s": "900", "watch_mm": "1200", "warning_mm": "1800",
    "alarm_mm": "2500", "alarm_plus_mm": "3200", "format": "1",
    "latitude": "43.61", "longitude": "3.88",
    "time_zone": "Europe/Paris", "carrier": "bridge", "quantity": "stage_mm", "kind": "simulated",
    "role": "mayor", "host": "127.0.0.1", "river": "Amonette", "fr": "Pont neuf",
    "en": "New bridge", "pin": "17", "coil": "0", "parity": "N", "silent_test": "10:00",
    "uart": "{id: 0, tx: 0, rx: 1}", "i2c": "{id: 0, scl: 5, sda: 4}", "trigger": "2",
    "echo": "3", "counter": "{kind: pin, pin: 6}", "clear": "7", "file": "stage.txt",
    "register": "0", "value": "1200",
    "length_km": "42.3", "at": "10:00", "weekday": "thursday", "nth": "2", "seconds": "30",
    "dev_eui": "70b3d57ed0000011", "join_eui": "0000000000000000", "server": "chirpstack",
    "application": "17c82e96-be03-4f38-aef3-f83d48582d97", "tenant": "ttn",
    "device": "deviceInfo.devEui", "unit_at": "unit", "factor": "0.1", "offset": "-2",
    "topic": "zigbee2mqtt/{device}", "number": "1",
}  # fmt: skip
FORMS = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": "a-z, 0-9, -",
    "^([01][0-9]|2[0-3]):[0-5][0-9]$": "hh:mm",
    "^https?://[^/\\s]+(/.*)?$": "http://host:port",
    "^[A-Za-z0-9_-]+$": "A-Z, a-z, 0-9, _, -",
    "^[A-Z]{2}$": "two capital letters",
    "^[0-9a-f]{16}$": "16 x 0-9 a-f",
    "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$": "a-z, 0-9, -",
    PATH_PATTERN: "a.b, a[0], ['a b']",
    EXACT_PATTERN: "1.5, -2, 1/10",
}
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class _NoAliases(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _Alias(event.anchor, event.start_mark)
        return super().compose_node(parent, index)


class _Alias(yaml.MarkedYAMLError):
    def __init__(self, name: str, mark: Any) -> None:
        super().__init__(problem_mark=mark)
        self.name = name


class Reader:
    """Reads one file; ``problems`` grows, ``lines`` maps key paths to line numbers."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.lines: dict[Path, int] = {}

    def problem(self, line: int, path: Path, code: str, **values: Any) -> Any:
        """Add a problem; return None, the value of what is wrong."""
        self.problems.append(Problem(self.file, line, dotted(path), code, values))

    def read(self, data: bytes, model: type[msgspec.Struct]) -> Any:
        """Return the plain value of the whole file by the model's type; see ``problems`` first."""
        node = self._compose(data)
        return None if node is None else self._value(node, inspect.type_info(model), ())

    def _compose(self, data: bytes) -> Any:
        if len(data) > SIZE_MAX:
            return self.problem(0, (), "too-large", most=SIZE_MAX)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return self.problem(data.count(b"\n", 0, error.start) + 1, (), "not-utf8")
        try:
            node = yaml.compose(text, _NoAliases)
        except _Alias as error:
            return self.problem(_line(error.problem_mark), (), "alias", name=error.name)
        except yaml.YAMLError as error:
            return self._syntax(error, text)
        except RecursionError:
            return self.problem(0, (), "too-deep")
        return node or self.problem(1, (), "empty")

    def _syntax(self, error: yaml.YAMLError, text: str) -> Any:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = _line(mark) if mark else text.count("\n", 0, getattr(error, "position", 0)) + 1
        if "\\t" in why:
            return self.problem(line, (), "tab")
        return self.problem(line, (), "syntax", why=why)

    # --- by type

    def _value(self, node: yaml.Node, wanted: inspect.Type, path: Path) -> Any:
        self.lines[path] = _line(node.start_mark)
        wanted = _not_none(wanted)
        if isinstance(wanted, inspect.StructType):
            return self._struct(node, wanted, path)
        if isinstance(wanted, inspect.ListType):
            return self._list(node, wanted, path)
        return self._scalar(node, wanted, path)

    def _struct(self, node: yaml.Node, wanted: inspect.StructType, path: Path) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return self.problem(_line(node.start_mark), path, "mapping", example=_shape(wanted))
        fields = {field.encode_name: field for field in wanted.fields}
        found: dict[str, Any] = {}
        meant: set[str] = set()  # keys that a misspelt one stands for
        for key, value in self._pairs(node, path):
            if key in fields:
                found[key] = self._value(value, fields[key].type, (*path, key))
            else:
                choices = [name for name in fields if name not in found]
                meant.add(self._unknown(_line(value.start_mark), path, key, choices))
        for name, field in fields.items():
            if field.required and name not in found and name not in meant:
                self.problem(
                    _line(node.start_mark), path, "missing-key", key=name,
                    example=f"{name}: {_example(name, _not_none(field.type))}",
                )  # fmt: skip
        return found

    def _pairs(self, node: yaml.MappingNode, path: Path) -> list[tuple[str, yaml.Node]]:
        first: dict[str, int] = {}
        pairs = []
        for key, value in node.value:
            line = _line(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                self.problem(line, path, "key-text")
            elif key.value in first:
                self.problem(line, path, "duplicate-key", key=key.value, first=first[key.value])
            else:
                first[key.value] = line
                pairs.append((key.value, value))
        return pairs

    def _unknown(self, line: int, path: Path, key: str, choices: list[str]) -> str:
        near = difflib.get_close_matches(key, choices, n=1)
        if near:
            self.problem(line, path, "unknown-key-near", key=key, near=near[0])
            return near[0]
        self.problem(line, path, "unknown-key", key=key, choices=", ".join(choices) or "-")
        return ""

    def _list(self, node: yaml.Node, wanted: inspect.ListType, path: Path) -> Any:
        line = _line(node.start_mark)
        if not isinstance(node, yaml.SequenceNode):
            return self.problem(line, path, "list")
        least, most = wanted.min_length or 0, wanted.max_length or 10_000
        if not least <= len(node.value) <= most:
            self.problem(line, path, "items", least=least, most=most, count=len(node.value))
        return [
            self._value(item, wanted.item_type, (*path, i)) for i, item in enumerate(node.value)
        ]

    def _scalar(self, node: yaml.Node, wanted: inspect.Type, path: Path) -> Any:
        line = _line(node.start_mark)
        if not isinstance(node, yaml.ScalarNode):
            return self.problem(line, path, "text")
        text: str = node.value
        example = _example(str(path[-1]) if path else "", wanted)
        if isinstance(wanted, inspect.IntType):
            if not _WHOLE.fullmatch(text):
                return self.problem(line, path, "whole", value=text, example=example)
            return self._bounded(line, path, wanted, int(text))
        if isinstance(wanted, inspect.FloatType):
            if not _NUMBER.fullmatch(text):
                return self.problem(line, path, "number", value=text, example=example)
            return self._bounded(line, path, wanted, float(text))
        if isinstance(wanted, inspect.BoolType):
            if text not in ("true", "false"):
                return self.problem(line, path, "yes-no", value=text)
            return text == "true"
        if isinstance(wanted, inspect.LiteralType):
            return self._choice(line, path, wanted, text)
        assert isinstance(wanted, inspect.StrType), wanted  # the model uses no other type
        return self._text(line, path, wanted, text)

    def _bounded(
        self, line: int, path: Path, wanted: inspect.IntType | inspect.FloatType, value: float
    ) -> Any:
        assert wanted.ge is not None, path  # every number of the model has bounds
        assert wanted.le is not None, path
        if not wanted.ge <= value <= wanted.le:
            self.problem(line, path, "between", value=value, least=wanted.ge, most=wanted.le)
        return value

    def _choice(self, line: int, path: Path, wanted: inspect.LiteralType, text: str) -> Any:
        for choice in wanted.values:
            if str(choice) == text:
                return choice
        choices = ", ".join(str(choice) for choice in wanted.values)
        return self.problem(line, path, "choice", value=text, choices=choices)

    def _text(self, line: int, path: Path, wanted: inspect.StrType, text: str) -> Any:
        least, most = wanted.min_length or 0, wanted.max_length or 1_000
        secret = bool(path) and path[-1] == "pin"
        if wanted.pattern is not None and not re.fullmatch(wanted.pattern, text):
            if secret:  # never shown again
                return self.problem(line, path, "clear-pin")
            form, example = FORMS[wanted.pattern], _example(str(path[-1]), wanted)
            return self.problem(line, path, "form", value=text, form=form, example=example)
        if not least <= len(text) <= most:
            self.problem(line, path, "length", least=least, most=most, count=len(text))
        elif not text.isprintable():
            self.problem(line, path, "unprintable")
        return text


def _line(mark: Any) -> int:
    return int(mark.line) + 1


def _not_none(wanted: inspect.Type) -> inspect.Type:
    if isinstance(wanted, inspect.UnionType):
        return next(t for t in wanted.types if not isinstance(t, inspect.NoneType))
    return wanted


def _shape(wanted: inspect.StructType) -> str:
    return "{" + ", ".join(f"{f.encode_name}: …" for f in wanted.fields if f.required) + "}"


def _example(name: str, wanted: inspect.Type) -> str:
    if isinstance(wanted, inspect.ListType):
        return "[…]"
    if isinstance(wanted, inspect.StructType):
        return _shape(wanted)
    if name == "id" and isinstance(wanted, inspect.IntType):
        return "11"
    return EXAMPLES.get(name, str(getattr(wanted, "ge", None) or "…"))
