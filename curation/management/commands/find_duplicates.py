"""find_duplicates: merge queries that ask the same, link variants, report paraphrases."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.duplicates import candidates
from curation.duplicates.nearby import estimate
from curation.duplicates.searching import ask_for_search, search
from curation.models import CompareBy, DuplicatePass
from curation.pool_passes import AtWork, carry_out
from embeddings import Embedder, MissingExtra
from web.commands import BadInput, NotReady, Outcome, StudioCommand
from web.counts import counted


class Command(StudioCommand):
    help = "Merge queries that ask the same, link those that differ in numbers, report paraphrases; nothing is deleted."
    example = "manage.py find_duplicates --by meaning --json"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--by",
            choices=CompareBy.values,
            default=CompareBy.WORDS.value,
            dest="compare_by",
            help="form: equal but for case and courtesies, needs no extra; words (default): also slips, names and "
            "numbers, needs the extra dedup; meaning: also embeddings, for paraphrases, needs the extra embeddings",
        )

    def carry_out(self, **options: Any) -> Outcome:
        compare_by = CompareBy(options["compare_by"])
        try:
            if compare_by != CompareBy.FORM:
                candidates.require()
            embedder = Embedder() if compare_by == CompareBy.MEANING else None
            asked = ask_for_search(by=None, compare_by=compare_by)
        except (candidates.MissingExtra, MissingExtra) as missing:
            raise BadInput(str(missing)) from None
        except AtWork as reason:
            raise NotReady(str(reason)) from None
        if embedder:
            self.stderr.write(estimate(embedder.name))
        carry_out(asked, lambda: search(asked, door=Door.COMMAND, embedder=embedder, progress=self.progress))
        if asked.state == "cancelled":
            raise NotReady(f"{asked} was cancelled; what it had written stands and can be undone")
        return Outcome(asked.found | {"action": asked.action_id}, [_line(asked)])


def _line(one: DuplicatePass) -> str:
    found = one.found
    checked = f"{counted(found['checked'], 'query', 'queries')} checked"
    if one.action is None:
        return f"{checked}, no new near-duplicates"
    return (
        f"{checked}: {counted(found['duplicates'], 'near-duplicate')} in {counted(found['clusters'], 'cluster')}, "
        f"{counted(found['variants'], 'variant')}, {counted(found['paraphrases'], 'possible paraphrase')} "
        f"(action {one.action.pk} can be undone)"
    )
