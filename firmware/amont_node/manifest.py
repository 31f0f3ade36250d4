# release.json of a slot: {"schema": 1, "release": 7, "files": {"amont_node/app.mpy": "<sha256>",
# …}, and more that does not matter here}. Read as a stream, as often as it is needed: as a dict
# its hashes alone would take a tenth of a board's heap.

SCHEMA = 1
_PART_CHARACTERS = 128
_TOKEN_MAX = 128
_DIGITS = "0123456789"


class SlotError(ValueError):
    def __init__(self, code: str, what: str) -> None:
        super().__init__("%s: %s" % (code, what))
        self.code = code


# Where a file of a release may lie: below its slot, and compiled.
def check_path(path: str) -> None:
    parts = path.split("/")
    if not 1 <= len(parts) <= 5 or not path.endswith(".mpy") or "" in parts or ".." in parts:
        raise SlotError("release", "path %s" % path)


class Release:
    # Reads all of the file once: SlotError if it is no release, OSError if it is not there.
    def __init__(self, path: str) -> None:
        self._path = path
        self.number = 0
        self.count = 0  # of files
        schema = 0
        for key, value in _pairs(path):
            if key == "release" and isinstance(value, int):
                self.number = value
            elif key == "schema" and value == SCHEMA:
                schema += 1
            elif key[:1] == "/":
                check_path(key[1:])
                self.count += 1
        if schema != 1 or not self.count or not 0 < self.number < 1 << 16:
            raise SlotError("release", "%s is none" % path)

    # (path, SHA-256 in hex) of each file.
    def files(self):  # type: ignore[no-untyped-def]
        for key, value in _pairs(self._path):
            if key[:1] == "/":
                yield key[1:], value

    def lists(self, path: str) -> bool:
        for found, _ in self.files():  # noqa: SIM110  # any() of a generator costs heap
            if found == path:
                return True
        return False


# The members of the object, and those of its "files" with a slash in front of their names.
def _pairs(path: str):  # type: ignore[no-untyped-def]
    with open(path) as file:
        tokens = _tokens(file)
        _expect(tokens, "{")
        comma = ","
        while comma == ",":
            key = _string(tokens)
            _expect(tokens, ":")
            value = next(tokens)
            if key == "files" and value == "{":
                inner = ","
                while inner == ",":
                    name = _string(tokens)
                    _expect(tokens, ":")
                    yield "/" + name, _string(tokens)
                    inner = next(tokens)
                _is(inner, "}")
            elif isinstance(value, int) or value[:1] == '"':
                yield key, value if isinstance(value, int) else value[1:]
            else:
                raise SlotError("release", "%s in its place" % value)
            comma = next(tokens)
        _is(comma, "}")
        _is(next(tokens), "")


def _expect(tokens, what: str) -> None:  # type: ignore[no-untyped-def]
    _is(next(tokens), what)


def _is(found, what: str) -> None:  # type: ignore[no-untyped-def]
    if found != what:
        raise SlotError("release", "%s instead of %s" % (found, what))


def _string(tokens) -> str:  # type: ignore[no-untyped-def]
    found = next(tokens)
    if isinstance(found, int) or found[:1] != '"':
        raise SlotError("release", "%s is no string" % found)
    return str(found[1:])


# Strings with their first quotation mark, whole numbers, marks; "" for ever at the end.
def _tokens(file):  # type: ignore[no-untyped-def]
    text = ""
    part = " "
    while part or text:
        if part and len(text) < _TOKEN_MAX:
            part = file.read(_PART_CHARACTERS)
            text = (text + part).lstrip()
            continue
        token, length = _token(text)
        yield token
        text = text[length:].lstrip()
    while True:
        yield ""


def _token(text: str):  # type: ignore[no-untyped-def]
    if text[0] == '"':
        end = text.find('"', 1)
        if end < 0 or "\\" in text[:end]:
            raise SlotError("release", "a string too long, or with an escape")
        return text[:end], end + 1
    end = 0
    while end < len(text) and text[end] in _DIGITS:
        end += 1
    return (int(text[:end]), end) if end else (text[0], 1)
