"""What there is to show of one run: its models, totals, workers, endpoints, and its errors in groups."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, Max, Min, Sum
from django.utils import timezone

from llm.catalog import Endpoint, Model, load_catalog
from llm.entries import CatalogError
from runs.kinds import all_kinds, models_asked
from runs.models import EndpointBucket, ItemState, Run
from web.counts import kept_for_a_while

# Grouping is a matter of milliseconds up to here; beyond it the groups are kept for a while.
MANY_ENDED = 5_000


@dataclass(frozen=True, slots=True)
class Group:
    """Items that failed or were skipped alike, with one of them as the example."""

    state: str
    error_class: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class AtWork:
    """A worker that is at the run, and how many items it holds; `silent`: the leases of all of them have ended."""

    host: str
    process: int
    since: datetime
    items: int
    silent: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an endpoint stands: seconds of a pause it asked for, seconds a new question waits for its turn."""

    endpoint: Endpoint
    paused_until: datetime | None = None
    paused_s: float = 0.0
    waits_s: float = 0.0
    answered_at: datetime | None = None


def models_of(run: Run) -> list[Model]:
    """The models that a run asks; none while the models file cannot be read."""
    try:
        catalog = load_catalog(settings.MODELS_FILE).with_overrides(run.parameters.get("roles", {}))
        return models_asked(all_kinds().get(run.kind), run.parameters, catalog)
    except CatalogError:
        # What is wrong with the file is said on the start page, and in the note of a run that it stops.
        return []


def totals_of(run: Run) -> dict[str, Any]:
    """Tokens and mean latency of the calls this run paid for, kept for ten seconds."""

    def add_up() -> dict[str, Any]:
        calls = run.paid_calls.order_by()
        return calls.aggregate(
            prompt=Sum("prompt_tokens", default=0),
            completion=Sum("completion_tokens", default=0),
            latency_s=Avg("latency_s"),
        )

    return kept_for_a_while(f"run-{run.pk}-{run.state}", add_up)


def groups_of(run: Run) -> list[Group]:
    """What did not work, the largest group first."""
    ended = run.items_failed + run.items_skipped
    if ended <= MANY_ENDED:
        return _groups(run) if ended else []
    return kept_for_a_while(f"run-groups-{run.pk}-{run.state}", lambda: _groups(run))


def _groups(run: Run) -> list[Group]:
    ended = run.items.filter(state__in=[ItemState.FAILED, ItemState.SKIPPED])
    alike = list(
        ended.order_by().values("state", "error_class").annotate(count=Count("pk"), first=Min("pk")).order_by("-count")
    )
    examples = dict(run.items.filter(pk__in=[group["first"] for group in alike]).values_list("pk", "error"))
    return [
        Group(group["state"], group["error_class"], group["count"], examples.get(group["first"], "")) for group in alike
    ]


def workers_of(run: Run) -> list[AtWork]:
    """Who is at it now, the longest first."""
    workers = list(run.workers.all())
    if not workers:
        return []
    held = run.items.filter(state=ItemState.LEASED).order_by().values("lease_worker")
    leases = {row["lease_worker"]: row for row in held.annotate(items=Count("pk"), until=Max("lease_until"))}
    return [
        AtWork(
            # Behind the name of the machine stands which of its folders the spool lies in.
            host=worker.host.partition("/")[0],
            process=worker.process,
            since=worker.started_at,
            items=leases[worker.name]["items"] if worker.name in leases else 0,
            silent=worker.name in leases and leases[worker.name]["until"] < timezone.now(),
        )
        for worker in workers
    ]


def standings_of(models: list[Model]) -> list[Standing]:
    """Where the endpoints of these models stand now."""
    endpoints = {model.endpoint.name: model.endpoint for model in models}
    rows = {row.endpoint: row for row in EndpointBucket.objects.filter(endpoint__in=list(endpoints))}
    return [_standing(endpoint, rows.get(name), timezone.now()) for name, endpoint in sorted(endpoints.items())]


def _standing(endpoint: Endpoint, row: EndpointBucket | None, now: datetime) -> Standing:
    if row is None:
        return Standing(endpoint)
    paused_s = (row.blocked_until - now).total_seconds() if row.blocked_until else 0.0
    elapsed_s = max(0.0, (now - row.filled_at).total_seconds())
    waits_s = max(
        _owed_s(1 - row.requests_left, endpoint.requests_per_minute, elapsed_s),
        _owed_s(-row.tokens_left, endpoint.tokens_per_minute, elapsed_s),
    )
    paused_until = row.blocked_until if paused_s > 0 else None
    return Standing(endpoint, paused_until, max(0.0, paused_s), waits_s, row.answered_at)


def _owed_s(owed: float, per_minute: int | None, elapsed_s: float) -> float:
    """Seconds until what was taken ahead has been filled in again."""
    return max(0.0, owed * 60 / per_minute - elapsed_s) if per_minute else 0.0
