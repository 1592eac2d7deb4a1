"""What a model's token probabilities say beyond the token it chose: the expected level at the place of a score."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import exp, inf, isnan
from typing import Any

FULL_WIDTH = str.maketrans("１２３４５", "12345")
LEVELS = ("1", "2", "3", "4", "5")
# Where the five levels share less than this, the endpoint has not named the candidates that matter.
LEAST_MASS = 0.5


def expected_level(text: str, place: int | None, entries: Sequence[Mapping[str, Any]] | None) -> float | None:
    """The mean of the levels 1–5 by their probabilities at `place` of `text`; None where that cannot be told.

    `entries`: the logprobs of a chat completion, one for each token. "4" and " 4" are two tokens and one level.
    """
    entry = _entry_at(text, place, entries or ())
    if entry is None:
        return None
    masses: defaultdict[int, float] = defaultdict(float)
    for token, logprob in _candidates(entry).items():
        if (level := _level(token)) is not None:
            masses[level] += exp(logprob)
    total = sum(masses.values())
    # A token that holds more than the digit is no level, and then nothing may be said of the levels.
    if _level(str(entry.get("token"))) is None or total < LEAST_MASS:
        return None
    return round(sum(level * mass for level, mass in masses.items()) / total, 6)


def without_idle_odds(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion as it is kept: candidates only at tokens that hold a level, byte values nowhere.

    Candidates for each word of an explanation would make an answer fifty times as large, and nobody reads them.
    """
    return {**raw, "choices": [_slim_choice(choice) for choice in raw["choices"]]}


def _slim_choice(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    given = choice.get("logprobs")
    if not isinstance(given, dict) or not isinstance(given.get("content"), list):
        return choice
    return {**choice, "logprobs": {"content": [_slim(entry) for entry in given["content"]]}}


def _slim(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"token": entry.get("token"), "logprob": entry.get("logprob")}
    if _level(str(entry.get("token"))) is None:
        return kept
    candidates = entry.get("top_logprobs") or ()
    return kept | {"top_logprobs": [{name: one.get(name) for name in ("token", "logprob")} for one in candidates]}


def _entry_at(text: str, place: int | None, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The token that covers a place of the text; None when the tokens do not spell the text."""
    tokens = [str(entry.get("token") or "") for entry in entries]
    start = "".join(tokens).find(text) if text else -1
    if place is None or start < 0:
        return None
    left = start + place
    for token, entry in zip(tokens, entries, strict=True):
        if left < len(token):
            return entry
        left -= len(token)
    return None


def _candidates(entry: Mapping[str, Any]) -> dict[str, float]:
    """Log probability of each candidate, the chosen token among them."""
    named = [one for one in entry.get("top_logprobs") or () if isinstance(one, Mapping)]
    return {str(one.get("token")): _number(one.get("logprob")) for one in [entry, *named]}


def _number(value: object) -> float:
    return min(0.0, float(value)) if isinstance(value, int | float) and not isnan(value) else -inf


def _level(token: str) -> int | None:
    digit = token.strip().translate(FULL_WIDTH)
    return int(digit) if digit in LEVELS else None
