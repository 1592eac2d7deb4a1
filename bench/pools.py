"""Pools of made queries: sentences and blocks of code of the sample data, drawn with a fixed seed."""

import json
import random
from pathlib import Path

from tests.migrated import ROOT

SAMPLES = ROOT / "sample_data" / "evol_instruct.jsonl"
SENTENCES, BLOCKS = 8, 4


def write_pool(path: Path, count: int, *, seed: int = 5) -> None:
    """A file of so many distinct queries with answers, one JSON object a line, of 1–2 KB each."""
    rng = random.Random(seed)
    records = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    # What the samples have zero-width characters for, hardly any line of a real pool has.
    sentences = [one for record in records for one in record["instruction"].split(". ") if "\u200b" not in one]
    blocks = [one for record in records for one in record["response"].split("\n\n")]
    with path.open("w") as lines:
        for number in range(count):
            text = f"Variant {number} of a task. {'. '.join(rng.choices(sentences, k=rng.randint(3, SENTENCES)))}"
            answer = "\n\n".join(rng.choices(blocks, k=rng.randint(2, BLOCKS)))
            lines.write(json.dumps({"instruction": text, "response": answer}) + "\n")
