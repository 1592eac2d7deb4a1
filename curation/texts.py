"""When two texts are one: the form in which texts are stored, and the form that is hashed."""

import hashlib
import re
import unicodedata

# Zero-width characters and bidirectional controls: invisible, so no reader tells the texts apart.
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad\u061c\u180e]")
VISIBLE = re.compile(rf"[^\s{INVISIBLE.pattern[1:-1]}]")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    """The text as both databases can hold it: NUL and lone surrogates become U+FFFD, all else stays."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = LONE_SURROGATE.sub("\ufffd", text)
    return text.replace("\x00", "\ufffd")


def folded(text: str) -> str:
    """NFC, invisible characters removed, runs of white space as one space, ends stripped."""
    spaced = " ".join(text.split())
    if spaced.isprintable():  # then nothing in it is invisible or not storable
        return unicodedata.normalize("NFC", spaced)
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", storable(text))).split())


def is_blank(text: str) -> bool:
    """Whether nothing of the text is left when it is folded."""
    return VISIBLE.search(text) is None


def in_short(text: str, length: int = 80) -> str:
    """The start of a text as one line that no terminal takes for commands: controls are written out."""
    line = " ".join(text[: 2 * length].split())
    shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def text_hash(text: str) -> str:
    """Hex sha256 of `v1:` + the folded text: equal for texts that differ only in what folding removes."""
    return hashlib.sha256(f"v1:{folded(text)}".encode()).hexdigest()
