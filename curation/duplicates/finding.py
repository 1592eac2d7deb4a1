"""Find queries that are alike: merge what asks the same, link variants, report paraphrases; one action, to be undone.

Nothing is deleted. A pass may be repeated: it goes on from what stands and never undoes what a person settled.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from django.db import transaction
from django.utils import timezone

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.duplicates import candidates
from curation.duplicates.clusters import Alike, link, merge
from curation.duplicates.distinctions import Said
from curation.duplicates.grouping import Groups, Nearby, Wordings, place_by_meaning, place_by_words
from curation.duplicates.likeness import likeness_key
from curation.duplicates.renaming import Renamings
from curation.duplicates.sameness import Kind, Wording
from curation.models import ClusterKind, ClusterMember, DuplicateCluster, Query
from curation.passes import Progress, Watch, blocks_of, unshown
from curation.readings import BLOCK

VERB = "find duplicates"
# So many queries are written in one transaction; each group costs several statements.
WRITTEN_TOGETHER = 60
COUNTED = ("duplicates", "clusters", "variants", "paraphrases")


@dataclass(frozen=True, slots=True)
class Found:
    """What one pass found; `clusters` counts groups that gained a duplicate."""

    checked: int
    duplicates: int = 0
    clusters: int = 0
    variants: int = 0
    paraphrases: int = 0
    action: Action | None = None


def find_duplicates(
    *,
    by: User | None,
    door: Door,
    progress: Progress = unshown,
    only_form: bool = False,
    nearby: Nearby | None = None,
    began: Callable[[Action], None] = lambda action: None,
) -> Found:
    """Compare the queries in play. `nearby` proposes by meaning too; with `only_form` folded words alone count.

    Nothing is written before everything is compared; `began` hears of the action within its first transaction.
    """
    if not only_form:
        candidates.require()
    groups, sketches = Groups.standing(), candidates.Sketches()
    checked = _by_form(groups, None if only_form else sketches, partial(_shown_blocks, progress))
    if not only_form:
        bands = partial(progress, total=candidates.BANDS, what="looking for candidates")
        _by_words(groups, sketches.pairs(bands), progress)
        if nearby is not None:
            _by_meaning(groups, progress(nearby(), total=None, what="comparing what is near in meaning"))
    return _write(groups, checked, by=by, door=door, progress=progress, began=began)


def _shown_blocks(progress: Progress, blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
    return progress(blocks, total=total, what="reading, in blocks")


def _by_form(groups: Groups, sketches: candidates.Sketches | None, watch: Watch) -> int:
    """Group the queries whose folded words are equal, and sketch one of each group."""
    firsts: dict[int, tuple[int, int]] = {}
    renamings, checked = Renamings(groups, Wordings()), 0
    for block in blocks_of(Query.objects.in_play(), watch):
        alone: dict[int, Wording] = {}
        for key, text in Query.objects.filter(pk__in=block).order_by("pk").values_list("pk", "text"):
            wording = Wording.of(text)
            words = hash(tuple(wording.words))
            first, words_of_first = firsts.setdefault(likeness_key(wording.words, wording.names), (key, words))
            if words != words_of_first and not renamings.fit(first, wording):
                # Another question under a name; it may still have the very words of an earlier one.
                first, words_of_first = firsts.setdefault(words, (key, words))
            how = Kind.FORM if words == words_of_first else Kind.NAMES
            if first == key or not groups.join(first, key, how):
                alone[key] = wording
            elif how == Kind.NAMES:
                renamings.add(first, wording)
        if sketches is not None:
            _sketch(sketches, alone)
        checked += len(block)
    return checked


def _sketch(sketches: candidates.Sketches, wordings: dict[int, Wording]) -> None:
    lengths = [len(wording.words) for wording in wordings.values()]
    tokens = [candidates.shingles(wording.words, wording.names) for wording in wordings.values()]
    sketches.add(list(wordings), lengths, tokens)


def _by_words(groups: Groups, proposed: Iterator[tuple[int, list[int]]], progress: Progress) -> None:
    """Compare what the sketches propose, word by word, each text with the earlier ones."""
    wordings, pairs = Wordings(), iter(progress(proposed, total=None, what="comparing candidates"))
    while block := list(islice(pairs, BLOCK)):
        wordings.load(key for later, earlier in block for key in (later, *earlier))
        for later, earlier in block:
            place_by_words(groups, later, earlier, wordings)


def _by_meaning(groups: Groups, proposed: Iterable[tuple[int, list[tuple[int, float]]]]) -> None:
    wordings, nearby = Wordings(), iter(proposed)
    while block := list(islice(nearby, BLOCK)):
        wordings.load(key for later, near in block for key in (later, *(key for key, _ in near)))
        for later, near in block:
            place_by_meaning(groups, later, near, wordings)


@dataclass(frozen=True, slots=True)
class _Group:
    """Queries found to be like the first of them, and what they are to become."""

    name: str
    first: int
    found: list[Alike]

    def queries(self) -> list[int]:
        """The keys of all of them."""
        return [self.first, *(alike.query_id for alike in self.found)]


LINKED = {"variants": ClusterKind.VARIANT, "paraphrases": ClusterKind.PARAPHRASE}


def _write(
    groups: Groups,
    checked: int,
    *,
    by: User | None,
    door: Door,
    progress: Progress,
    began: Callable[[Action], None],
) -> Found:
    """Write the groups, a few in each transaction, as one action."""
    action: Action | None = None
    now = timezone.now()
    counts: Counter[str] = Counter()
    for together in progress(_together(groups), total=None, what="writing, in portions"):
        with transaction.atomic():
            said = Said.of([key for group in together for key in group.queries()])
            written = [(group.name, _written(group, said, now)) for group in together]
            changes = [change for _, some in written for change in some]
            if changes and action is None:
                action = record(VERB, changes, by=by, door=door)
                began(action)
            elif changes and action is not None:
                extend(action, changes)
        for name, some in written:
            counts.update(_counted(name, some))
    return Found(checked, **{name: counts[name] for name in COUNTED}, action=action)


def _counted(name: str, changes: list[Change]) -> Iterator[str]:
    for change in changes:
        if name != "same" and isinstance(change.row, ClusterMember):
            yield name
        elif name == "same" and isinstance(change.row, Query):
            yield "duplicates"
        elif name == "same" and isinstance(change.row, DuplicateCluster) and change.after.get("size"):
            yield "clusters"


def _written(group: _Group, said: Said, now: datetime) -> list[Change]:
    """Write one group, less what a person said otherwise of while the pass compared."""
    if group.name in LINKED:
        return link(group.first, said.linkable(group.first, group.found), LINKED[group.name])
    return merge(group.first, said.mergeable(group.first, group.found), at=now)


def _together(groups: Groups) -> Iterator[list[_Group]]:
    """What to write, in portions that keep each transaction short."""
    portion: list[_Group] = []
    for group in _groups(groups):
        if portion and sum(len(one.found) for one in [*portion, group]) > WRITTEN_TOGETHER:
            yield portion
            portion = []
        portion.append(group)
    if portion:
        yield portion


def _groups(groups: Groups) -> Iterator[_Group]:
    for name in ("same", *LINKED):
        for first, found in sorted(getattr(groups, name).items()):
            yield _Group(name, first, found)
