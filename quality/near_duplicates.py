"""Near-duplicates on labelled pairs: all of them in one pool, through the real import and the real pass.

Half of the pairs were held back while the rules were written; each share is told for both halves.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from bench.figures import Figure
from bench.sites import Machine

FILE = "near_duplicates.jsonl"
Relation = Literal["merged", "variant", "paraphrase", "none"]

# Kind of pair → the relation that is counted, and its target in per cent.
TARGETS: dict[str, tuple[Relation, float | None]] = {
    "exact": ("merged", 99),
    "whitespace_case": ("merged", 99),
    "politeness_punct": ("merged", 99),
    "typo": ("merged", 95),
    "renamed_identifiers": ("merged", 95),
    "number_changed": ("variant", 90),
    "paraphrase": ("paraphrase", None),
}
# These must never become one query; a paraphrase is reported to a person, and no more.
NEVER_MERGED = ("number_changed", "paraphrase", "meaning_swap", "evolved_lineage", "random")

STANDING = """
import json
from curation.models import ClusterMember, Query
from curation.texts import text_hash
firsts = {key: of or pk for pk, key, of in Query.objects.values_list("pk", "text_hash", "duplicate_of")}
linked = {}
rows = ClusterMember.objects.filter(stands=True, cluster__kind__in=["variant", "paraphrase"])
for kind, first, other in rows.values_list("cluster__kind", "cluster__representative_id", "query_id"):
    linked.setdefault((first, kind), {first}).add(other)
def relation(a, b):
    a, b = firsts[text_hash(a)], firsts[text_hash(b)]
    if a == b:
        return "merged"
    return next((kind for (_, kind), group in linked.items() if {a, b} <= group), "none")
print(json.dumps([relation(a, b) for a, b in json.load(open(pairs_file))]))
"""


def by_kind(machine: Machine, probes: Path) -> Iterator[Figure]:
    """What became of the pairs of each kind, over all of them and in each half."""
    pairs = [json.loads(line) for line in (probes / FILE).read_text().split("\n") if line]
    found: dict[str, list[tuple[bool, Relation]]] = defaultdict(list)
    for pair, relation in zip(pairs, _relations(machine, pairs), strict=True):
        found[pair["kind"]].append((held_back(pair["pair_id"]), relation))
    for kind, (wanted, target) in TARGETS.items():
        name = f"near_duplicates_{kind}"
        yield _share(name, [relation for _, relation in found[kind]], wanted, target=target)
        for half, is_held in (("seen", False), ("held_back", True)):
            relations = [relation for held, relation in found[kind] if held == is_held]
            yield _share(f"{name}_{half}", relations, wanted, target=None)
    for kind in NEVER_MERGED:
        merged = sum(relation == "merged" for _, relation in found[kind])
        yield Figure(name=f"near_duplicates_{kind}_merged", value=merged, unit="pairs", target=0, database="sqlite")


def held_back(pair_id: str) -> bool:
    """Which half a pair belongs to; by its id alone, so that it stays there."""
    return int(hashlib.sha256(pair_id.encode()).hexdigest(), 16) % 2 == 1


def _share(name: str, relations: list[Relation], wanted: Relation, **target: Any) -> Figure:
    share = 100 * relations.count(wanted) / max(len(relations), 1)
    return Figure(name=name, value=share, unit=f"% {wanted}", bound="≥", database="sqlite", **target)


def _relations(machine: Machine, pairs: list[dict[str, str]]) -> list[Relation]:
    with machine.site("sqlite") as site:
        pool, asked = site.folder / "pairs.jsonl", site.folder / "pairs.json"
        texts = [pair[side] for pair in pairs for side in ("a", "b")]
        pool.write_text("".join(json.dumps({"instruction": text, "response": "An answer."}) + "\n" for text in texts))
        asked.write_text(json.dumps([(pair["a"], pair["b"]) for pair in pairs]))
        site.manage("import_queries", pool, "--source", "probes")
        # Paraphrases are found by meaning alone; without the extra their share says 0, and nothing else changes.
        meaning = find_spec("sentence_transformers") is not None
        site.manage("find_duplicates", "--by", "meaning" if meaning else "words")
        said = site.manage("shell", "--no-imports", "-c", f"pairs_file = {str(asked)!r}\n{STANDING}")
    return list(json.loads(said))
