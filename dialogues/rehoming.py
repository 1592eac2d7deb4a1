"""Give what has its home in a withdrawn file the next file that holds it for a home."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Exists, F, OuterRef, Q, Subquery

from curation.intake.languages import language_of
from curation.intake.repeats import links_of
from curation.models import (
    Contamination,
    ContaminationHit,
    ContaminationPass,
    DuplicateCluster,
    HeldByFiles,
    Query,
    Sighting,
    Tier,
)
from dialogues.hanging import Scope
from dialogues.models import Dialogue, Seed

OF_ANSWERS = (Tier.NGRAM_ANSWER, Tier.IDENTIFIERS, Tier.EXECUTION)


def move_home(keys: Iterable[int], scope: Scope) -> int:
    """Move these queries to their next sighting in a file that stays; how many were moved."""
    sightings: dict[int, list[Sighting]] = defaultdict(list)
    for sighting in scope.elsewhere().filter(query__in=keys).select_related("batch").order_by("pk"):
        sightings[sighting.query_id].append(sighting)
    queries = Query.objects.in_bulk(sightings)
    answered_otherwise = [pk for pk, found in sightings.items() if _move(queries[pk], found)]
    _take_lines(sightings, scope)
    _let_follow(sightings)
    if answered_otherwise:
        _forget_answers(answered_otherwise)
    return len(sightings)


def move_rows(model: type[HeldByFiles], keys: Iterable[int], scope: Scope) -> None:
    """Move these problems, solutions or dialogues to the first file that stays and holds them."""
    links = links_of(model).objects.filter(importbatch__in=scope.staying().order_by())
    first = links.filter(**{f"{model._meta.model_name}": OuterRef("pk")}).order_by("importbatch_id")[:1]
    home = {"batch": Subquery(first.values("importbatch"))}
    if model is Dialogue:  # the others stay in their source
        home["source"] = Subquery(first.values("importbatch__source"))
    model._default_manager.filter(pk__in=keys).update(**home)


def _move(query: Query, sightings: list[Sighting]) -> bool:
    """The first response stays, and the first is now that of the new home; whether it is another one."""
    home, response = sightings[0].batch, sightings[0].response
    moved = {"source_id": home.source_id, "batch_id": home.pk}
    if response is None or response == query.response:
        Query.objects.filter(pk=query.pk).update(**moved)
        return False
    answered = {"response": response, "language": _language(query, response)}
    Query.objects.filter(pk=query.pk).update(version=F("version") + 1, **answered, **moved)
    for sighting in sightings:
        said = query.response if sighting.response is None else sighting.response
        kept = None if said == response else said
        if kept != sighting.response:
            Sighting.objects.filter(pk=sighting.pk).update(response=kept)
    return True


def _language(query: Query, response: str) -> str:
    """That of the new answer's fence; else what a source stated still holds, and what the old fence named does not."""
    if language := language_of("", response):
        return language
    return "" if query.language == language_of("", query.response) else query.language


def _take_lines(sightings: Mapping[int, list[Sighting]], scope: Scope) -> None:
    """The line in the new home is the one that a query was taken from; those that are about to go repeat it."""
    scope.sightings().filter(query__in=sightings).update(repeats=True)
    Sighting.objects.filter(pk__in=[found[0].pk for found in sightings.values()]).update(repeats=False)


def _let_follow(queries: Collection[int]) -> None:
    """The clusters that these queries stand for and the dialogues that begin with them are of the new source."""
    home = Query.objects.filter(pk=OuterRef("representative")).values("source")
    DuplicateCluster.objects.filter(representative__in=queries).update(source=Subquery(home))
    first = Seed.objects.filter(dialogue=OuterRef("pk"), position=0).values("query__source")
    begun = Seed.objects.filter(query__in=queries, position=0).values("dialogue")
    Dialogue.objects.filter(pk__in=begun).update(source=Subquery(first))


def _forget_answers(queries: Collection[int]) -> None:
    """What was found in the old answers, or cleared by a person, says nothing of the new: they are checked again."""
    hits = ContaminationHit.objects.filter(query__in=queries, tier__in=OF_ANSWERS)
    hit = list(hits.values_list("query", flat=True))
    hits.delete()
    others = ContaminationHit.objects.filter(query=OuterRef("pk"))
    free = Q(contamination=Contamination.CLEARED, pk__in=queries) | (Q(pk__in=hit) & ~Exists(others))
    Query.objects.filter(free).update(contamination=Contamination.NONE)
    first = min(queries)
    ContaminationPass.objects.filter(after__lt=first, until__gte=first).update(until=first - 1)
