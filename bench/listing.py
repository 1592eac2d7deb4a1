"""Time every list of the site in this process: python -m bench.listing [--rounds N]; one JSON object on the last line.

Asked through Django's test client, so a time is that of all middleware, the view, the database and the page. Nothing is
kept from one time to the next: counts that a page keeps for some seconds are counted again.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from bench.clocking import median_ms, medians_ms, signed_in
from web.paging import NEWEST_FIRST, PAGE_SIZE

DEEP = 1_000
DEEP_PAGE = " page 1000"
PAIRED = 3


def main() -> None:
    """Print a line for each list, the slowest last, then all of them as one object."""
    parser = argparse.ArgumentParser("bench.listing", description="Time every list, each filter, and page 1,000.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    client = signed_in()
    asked = dict(addresses())
    took = {name: median_ms(client, address, rounds) for name, address in asked.items()}
    for name in [name for name in asked if name.endswith(DEEP_PAGE)]:
        # What is held against each other is asked by turns, and oftener.
        pair = (name.removesuffix(DEEP_PAGE), name)
        took |= zip(pair, medians_ms(client, [asked[one] for one in pair], PAIRED * rounds), strict=True)
    for name, ms in sorted(took.items(), key=lambda item: item[1]):
        print(f"{ms:8.1f} ms  {name}", file=sys.stderr)
    print(json.dumps(took))


def addresses() -> Iterator[tuple[str, str]]:
    """(name, address): each list plain, by each filter, searched, and at page 1,000 where it is that long."""
    yield from (*_of_queries(), *_of_dialogues(), *_of_lines(), *_of_others())


def _of_queries() -> Iterator[tuple[str, str]]:
    from bench.made_texts import COMMON, RARE, UNCOMMON
    from curation.models import Query, Source, Stage
    from curation.views.queries import STAGE_GROUPS, WIDEST, narrowed

    source = Source.objects.order_by("pk")[0].slug
    asked: list[dict[str, str]] = [
        {},
        *({"stage": stage} for stage in (*STAGE_GROUPS, *Stage.values)),
        {"source": source},
        *({"source": source, "stage": stage} for stage in (*STAGE_GROUPS, *Stage.values)),
        *({"language": language} for language in ("python", "fortran", "unknown")),
        {"language": "python", "stage": "kept", "source": source},
        {"contamination": "suspect"},
        {"contamination": "set_aside", "source": source},
        {"disputed": "on"},
        {"disputed": "on", "stage": "kept"},
        {"disputed": "on", "source": source},
        *({"used": used} for used in ("yes", "no", "afterwards")),
        *({"used": used, "stage": "kept"} for used in ("yes", "no")),
        *({"used": used, "stage": "kept", "source": source} for used in ("yes", "no")),
        {"used": "afterwards", "source": source},
        *({"q": word} for word in (COMMON, UNCOMMON, RARE, f"{COMMON} {RARE}")),
        *({"q": word, "stage": "set_aside"} for word in (COMMON, UNCOMMON)),
        {"q": COMMON, "language": "fortran"},
        {"q": COMMON, "disputed": "on"},
    ]

    def rows(one: dict[str, str]) -> Any:
        order = WIDEST if "disputed" in one else NEWEST_FIRST
        return narrowed(Query.objects.all(), one).order_by(*order.fields(backwards=False)), order

    yield from _paged("queries", "/queries/", asked, rows)


def _of_dialogues() -> Iterator[tuple[str, str]]:
    from bench.made_texts import COMMON, RARE, UNCOMMON
    from curation.models import Source
    from dialogues.models import Dialogue, Method, State
    from dialogues.views.dialogues import narrowed

    source = Source.objects.order_by("pk")[0].slug
    asked: list[dict[str, str]] = [
        {},
        *({"state": state} for state in State.values),
        *({"method": method} for method in Method.values),
        *({"language": language} for language in ("python", "fortran", "unknown")),
        {"source": source},
        *({"source": source, "state": state} for state in State.values),
        *({"exported": exported} for exported in ("yes", "no", "afterwards")),
        *({"exported": exported, "state": "approved"} for exported in ("yes", "no")),
        *({"exported": exported, "state": "approved", "source": source} for exported in ("yes", "no")),
        {"method": "packing", "state": "in_review", "language": "python"},
        *({"q": word} for word in (COMMON, UNCOMMON, RARE)),
        *({"q": word, "state": "needs_work"} for word in (COMMON, UNCOMMON)),
    ]

    def rows(one: dict[str, str]) -> Any:
        return narrowed(Dialogue.objects.all(), one).order_by("-pk"), NEWEST_FIRST

    yield from _paged("dialogues", "/dialogues/", asked, rows)


def _paged(
    name: str, path: str, asked: list[dict[str, str]], rows: Callable[[dict[str, str]], Any]
) -> Iterator[tuple[str, str]]:
    """Each of these; where no word is sought and there are so many, page 1,000 too, begun after the row before it."""
    for one in asked:
        told = " ".join(f"{key}={value}" for key, value in one.items())
        yield f"{name} {told}".strip(), f"{path}?{urlencode(one)}"
        if "q" in one:
            continue
        found, order = rows(one)
        before = found[(DEEP - 1) * PAGE_SIZE - 1 : (DEEP - 1) * PAGE_SIZE]
        for row in before:
            yield f"{name} {told}".strip() + DEEP_PAGE, f"{path}?{urlencode({**one, 'after': order.cursor(row)})}"


def _of_lines() -> Iterator[tuple[str, str]]:
    from bench.made_queries import REASONS
    from curation.models import Sighting, Source

    source = Source.objects.order_by("pk")[0].slug
    asked: list[dict[str, str]] = [
        {},
        {"kind": "duplicates"},
        {"kind": "rejected"},
        {"source": source},
        *({"source": source, "kind": kind} for kind in ("duplicates", "rejected")),
        {"reason": REASONS[0]},
        {"reason": REASONS[0], "source": source},
    ]
    for one in asked:
        told = " ".join(f"{key}={value}" for key, value in one.items())
        yield f"lines {told}".strip(), f"/imports/lines/?{urlencode(one)}"
    deep = Sighting.objects.order_by("-batch", "line")[(DEEP - 1) * PAGE_SIZE : (DEEP - 1) * PAGE_SIZE + 1]
    for row in deep:
        yield f"lines{DEEP_PAGE}", f"/imports/lines/?after={row.batch_id}~{row.line}"


def _of_others() -> Iterator[tuple[str, str]]:
    from bench.made_texts import COMMON, RARE
    from curation.models import Query, RejectedRecord
    from dialogues.models import Dialogue

    yield "imports", "/imports/"
    for record in RejectedRecord.objects.order_by("-pk")[:1]:
        yield "import, rejected records", f"/imports/{record.batch_id}/"
    yield "runs", "/runs/"
    yield "exports", "/exports/"
    yield "actions", "/actions/"
    for table, model in (("curation/query", Query), ("dialogues/dialogue", Dialogue)):
        page = f"/admin/{table}/"
        yield f"admin {table}", page
        if model.objects.count() >= DEEP * PAGE_SIZE:
            yield f"admin {table}{DEEP_PAGE}", f"{page}?p={DEEP}"
        for word in (COMMON, RARE):
            yield f"admin {table} q={word}", f"{page}?q={word}"
        yield f"admin {table} language", f"{page}?language=python"
    yield "admin curation/query stage", "/admin/curation/query/?stage=set_aside"
    yield "admin curation/query disputed", "/admin/curation/query/?disputed__exact=1"
    yield "admin dialogues/dialogue state", "/admin/dialogues/dialogue/?state__exact=needs_work"
    yield "funnel", "/funnel/"
    yield "start", "/"


if __name__ == "__main__":
    main()
