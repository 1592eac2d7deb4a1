"""Texts whose words are as common and as rare as in a real pool: a few in most texts, most in a few."""

import json
import random
from collections.abc import Callable
from itertools import accumulate

from tests.migrated import ROOT

SAMPLES = ROOT / "sample_data" / "evol_instruct.jsonl"
# A word that most texts hold, one that every fiftieth text holds, and one that a handful holds.
COMMON, UNCOMMON, RARE = "function", "lighthouse", "zugzwang"
RARE_WORDS = 40_000
LANGUAGES = {
    "python": 60,
    "javascript": 12,
    "": 10,
    "java": 6,
    "cpp": 5,
    "go": 3,
    "rust": 2,
    "bash": 1,
    "fortran": 0.05,
}


def writer(rng: random.Random) -> Callable[[int], tuple[str, str]]:
    """Gives (query, answer) of 0.2–2 KB for each number; no two are alike."""
    records = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    words = sorted({word for record in records for word in record["instruction"].split()})
    rng.shuffle(words)
    # As in any language: the n-th word stands 1/n as often as the first.
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    blocks = [block for record in records for block in record["response"].split("\n\n") if len(block) < 400]

    def write(number: int) -> tuple[str, str]:
        drawn = rng.choices(words, cum_weights=weights, k=rng.randint(15, 120))
        drawn.append(f"w{rng.randrange(RARE_WORDS)}x")
        if number % 50 == 0:
            drawn.append(UNCOMMON)
        if number % 40_000 == 7:
            drawn.append(RARE)
        start = "Write a function that" if rng.random() < 0.7 else "Explain why"
        return f"{start} {' '.join(drawn)} ({number}).", "\n\n".join(rng.choices(blocks, k=rng.randint(1, 4)))

    return write


def language(rng: random.Random) -> str:
    """One as often as real pools have it."""
    return rng.choices(list(LANGUAGES), weights=list(LANGUAGES.values()))[0]
