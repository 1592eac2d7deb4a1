"""Give queries whose home is withdrawn the next file that holds them for a home."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import F

from curation.models import Query, Sighting
from dialogues.hanging import Scope


def move_home(keys: Iterable[int], scope: Scope) -> int:
    """Move these queries to their next sighting in a file that stays; how many were moved."""
    sightings: dict[int, list[Sighting]] = defaultdict(list)
    for sighting in scope.elsewhere().filter(query__in=keys).select_related("batch").order_by("pk"):
        sightings[sighting.query_id].append(sighting)
    queries = Query.objects.in_bulk(sightings)
    for pk, found in sightings.items():
        _move(queries[pk], found)
    return len(sightings)


def _move(query: Query, sightings: list[Sighting]) -> None:
    """The first response stays, and the first is now that of the new home."""
    home, response = sightings[0].batch, sightings[0].response
    moved = {"source_id": home.source_id, "batch_id": home.pk}
    if response is None or response == query.response:
        Query.objects.filter(pk=query.pk).update(**moved)
        return
    Query.objects.filter(pk=query.pk).update(response=response, version=F("version") + 1, **moved)
    for sighting in sightings:
        said = query.response if sighting.response is None else sighting.response
        kept = None if said == response else said
        if kept != sighting.response:
            Sighting.objects.filter(pk=sighting.pk).update(response=kept)
