"""Draw capitals in five by seven pixels, for labels that a thermal printer takes as a picture."""

from __future__ import annotations

import unicodedata

GLYPH_ROWS, GLYPH_COLUMNS = 7, 6  # the sixth column is the gap

# One base-32 digit a row, from the top; its five bits are the pixels, the highest at the left.
_GLYPHS = {
    "A": "EHHVHHH", "B": "UHHUHHU", "C": "EHGGGHE", "D": "UHHHHHU", "E": "VGGUGGV",
    "F": "VGGUGGG", "G": "EHGNHHF", "H": "HHHVHHH", "I": "E44444E", "J": "72222IC",
    "K": "HIKOKIH", "L": "GGGGGGV", "M": "HRLLHHH", "N": "HHPLJHH", "O": "EHHHHHE",
    "P": "UHHUGGG", "Q": "EHHHLID", "R": "UHHUKIH", "S": "FGGE11U", "T": "V444444",
    "U": "HHHHHHE", "V": "HHHHHA4", "W": "HHHLLLA", "X": "HHA4AHH", "Y": "HHHA444",
    "Z": "V1248GV", "0": "EHJLPHE", "1": "4C4444E", "2": "EH1248V", "3": "V2421HE",
    "4": "26AIV22", "5": "VGU11HE", "6": "68GUHHE", "7": "V124888", "8": "EHHEHHE",
    "9": "EHHF12C", " ": "0000000", "-": "000V000", ".": "00000CC", ",": "0000C48",
    ":": "0CC0CC0", "/": "01248G0", "'": "4480000", "(": "2488842", ")": "8422248",
    "_": "000000V", "#": "AAVAVAA", "+": "044V440", "&": "CIK8LID", "?": "EH12404",
}  # fmt: skip
_SPELLED = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "’": "'", "–": "-"})


def plain(text: str) -> str:
    """Return the text in what the font has: capitals without accents, ``?`` for the rest."""
    parts = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    bare = (part for part in parts if not unicodedata.combining(part))
    return "".join(c if c in _GLYPHS else "?" for c in "".join(bare).upper())


def pixels(text: str) -> list[list[bool]]:
    """Return seven rows of six pixels a letter."""
    glyphs = [_GLYPHS[letter] for letter in plain(text)]
    return [
        [
            bool(int(glyph[row], 32) << 1 & 1 << bit)
            for glyph in glyphs
            for bit in (5, 4, 3, 2, 1, 0)
        ]
        for row in range(GLYPH_ROWS)
    ]
