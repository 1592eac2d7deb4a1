"""Near-duplicates on labelled pairs: all of them in one pool, through the real import and the real pass."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.sites import Machine

FILE = "near_duplicates.jsonl"
# Which share of the pairs of a kind has to become one query, and which may.
AT_LEAST_MERGED = {"exact": 99, "whitespace_case": 99, "politeness_punct": 99, "typo": 95, "renamed_identifiers": 95}
NEVER_MERGED = ("number_changed", "paraphrase", "meaning_swap", "evolved_lineage", "random")

STANDING = """
import json
from curation.models import Query
from curation.texts import text_hash
roots = {hash: of or pk for pk, hash, of in Query.objects.values_list("pk", "text_hash", "duplicate_of")}
pairs = json.load(open(pairs_file))
print(json.dumps([roots[text_hash(a)] == roots[text_hash(b)] for a, b in pairs]))
"""


def by_kind(machine: Machine, probes: Path) -> Iterator[Figure]:
    """The share of each kind's pairs that became one query."""
    pairs = [json.loads(line) for line in (probes / FILE).read_text().split("\n") if line]
    merged = defaultdict(list)
    for pair, same in zip(pairs, _merged(machine, pairs), strict=True):
        merged[pair["kind"]].append(same)
    for kind, share in AT_LEAST_MERGED.items():
        yield _figure(kind, merged[kind], target=share, bound="≥")
    for kind in NEVER_MERGED:
        yield _figure(kind, merged[kind], target=0, bound="≤")


def _figure(kind: str, merged: list[bool], **target: Any) -> Figure:
    share = 100 * sum(merged) / len(merged)
    return Figure(name=f"near_duplicates_{kind}", value=share, unit="% merged", database="sqlite", **target)


def _merged(machine: Machine, pairs: list[dict[str, str]]) -> list[bool]:
    with machine.site("sqlite") as site:
        pool, asked = site.folder / "pairs.jsonl", site.folder / "pairs.json"
        texts = [pair[side] for pair in pairs for side in ("a", "b")]
        pool.write_text("".join(json.dumps({"instruction": text, "response": "An answer."}) + "\n" for text in texts))
        asked.write_text(json.dumps([(pair["a"], pair["b"]) for pair in pairs]))
        site.manage("import_queries", pool, "--source", "probes")
        site.manage("find_duplicates")
        said = site.manage("shell", "--no-imports", "-c", f"pairs_file = {str(asked)!r}\n{STANDING}")
    return list(json.loads(said))
