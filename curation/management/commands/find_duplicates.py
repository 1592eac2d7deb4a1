"""find_duplicates: merge queries that ask the same, link variants, report paraphrases."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.candidates import BANDS, MissingExtra
from curation.duplicates import Found, find_duplicates
from curation.nearby import estimate, nearby_queries
from embeddings import Embedder
from embeddings import MissingExtra as MissingEmbeddings
from web.commands import BadInput, Outcome, StudioCommand

FORM, WORDS, MEANING = "form", "words", "meaning"


class Command(StudioCommand):
    help = "Merge queries that ask the same, link those that differ in numbers, report paraphrases; nothing is deleted."
    example = "manage.py find_duplicates --by meaning --json"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--by",
            choices=[FORM, WORDS, MEANING],
            default=WORDS,
            dest="compare_by",
            help="form: equal but for case and courtesies, needs no extra; words (default): also slips, names and "
            "numbers, needs the extra dedup; meaning: also embeddings, for paraphrases, needs the extra embeddings",
        )

    def carry_out(self, **options: Any) -> Outcome:
        compare_by = options["compare_by"]
        try:
            nearby = self._nearby() if compare_by == MEANING else None
            found = find_duplicates(
                by=None,
                door=Door.COMMAND,
                watch=self._watch,
                bands=self._bands,
                only_form=compare_by == FORM,
                nearby=nearby,
            )
        except (MissingExtra, MissingEmbeddings) as missing:
            raise BadInput(str(missing)) from None
        return Outcome(_result(found), [_line(found)])

    def _nearby(self) -> Any:
        embedder = Embedder()
        self.stderr.write(estimate(embedder.name))
        return lambda: nearby_queries(embedder, self.progress)

    def _watch(self, blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
        return self.progress(blocks, total=total, what="reading, in blocks")

    def _bands(self, bands: Iterable[int]) -> Iterable[int]:
        return self.progress(bands, total=BANDS, what="looking for candidates, in bands")


def _result(found: Found) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("checked", "duplicates", "clusters", "variants", "paraphrases")}
    return counts | {"action": found.action.pk if found.action else None}


def _line(found: Found) -> str:
    if found.action is None:
        return f"{found.checked} queries checked, no new near-duplicates"
    return (
        f"{found.checked} queries checked: {found.duplicates} near-duplicates in {found.clusters} clusters, "
        f"{found.variants} variants, {found.paraphrases} possible paraphrases (action {found.action.pk} can be undone)"
    )
