"""withdraw SOURCE: take a source, or one file of it, out again with all that hangs on it."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from accounts.models import Door
from curation.models import Source
from dialogues import withdrawing
from dialogues.hanging import Scope, counted
from dialogues.models import Withdrawal
from dialogues.obstacles import CannotWithdraw
from dialogues.withdrawal_words import in_words
from web.commands import NOT_FINISHED, OK, BadInput, Outcome, StudioCommand


class Command(StudioCommand):
    help = "Take a source out again with all that hangs on it. It cannot be undone; what was exported is kept back."
    example = "manage.py withdraw forum-2024 --yes\n  manage.py withdraw forum-2024 --import 12"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="SOURCE", help="the name of the source")
        parser.add_argument("--import", dest="batch", type=int, metavar="NUMBER", help="only this import of it")
        parser.add_argument("--yes", action="store_true", help="do it; without it, what would go is shown")

    def carry_out(self, **options: Any) -> Outcome:
        source = Source.objects.filter(slug=options["source"]).first()
        if source is None:
            known = ", ".join(Source.objects.values_list("slug", flat=True)[:20]) or "none"
            raise BadInput(f"there is no source {options['source']!r}; sources: {known}")
        asked = Withdrawal.objects.filter(source=source, finished_at=None).first()
        if asked is None:
            scope = self._scope(source, options["batch"])
            if not options["yes"] and not self._says_yes(source.slug, counted(scope)):
                return self._only_shown(counted(scope))
            asked = self._asked(scope)
        else:
            self.stderr.write(f"going on with the {asked}")
        return self._done(asked)

    def _scope(self, source: Source, batch_id: int | None) -> Scope:
        batch = source.batches.filter(pk=batch_id).first() if batch_id is not None else None
        if batch_id is not None and batch is None:
            raise BadInput(f"source {source} has no import {batch_id}; the page of imports shows their numbers")
        return Scope(source, batch)

    def _says_yes(self, slug: str, expected: dict[str, int]) -> bool:
        if self.as_json or not sys.stdin.isatty():
            return False
        self.stdout.write(f"would go: {in_words(expected)}")
        return input(f"This cannot be undone. Type {slug} to go on: ") == slug

    def _only_shown(self, expected: dict[str, int]) -> Outcome:
        lines = [f"would go: {in_words(expected)}", "nothing was withdrawn; add --yes to do it"]
        return Outcome({"withdrawn": False, **expected}, lines)

    def _asked(self, scope: Scope) -> Withdrawal:
        try:
            return withdrawing.ask(scope, by=None, door=Door.COMMAND)
        except CannotWithdraw as reason:
            raise BadInput(str(reason)) from None

    def _done(self, asked: Withdrawal) -> Outcome:
        with tqdm(total=asked.rows_expected, disable=not self.stderr.isatty(), leave=False) as bar:

            def move_bar(now: Withdrawal) -> None:
                bar.update(now.rows_gone - bar.n)

            withdrawing.carry_out(asked.pk, watch=move_bar)
        asked.refresh_from_db()
        done = asked.state == Withdrawal.State.DONE
        words = f"{asked}: {in_words(asked.gone)}" if done else f"{asked}: another process is at it"
        return Outcome({"withdrawn": done, **asked.gone}, [words], OK if done else NOT_FINISHED)
