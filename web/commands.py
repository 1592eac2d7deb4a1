"""What all commands share: --json, an example under --help, progress on a terminal, and exit codes with a meaning."""

import json
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from tqdm import tqdm

Item = TypeVar("Item")

OK, BAD_INPUT, NOT_FINISHED = 0, 2, 3


class BadInput(CommandError):
    """The input is at fault: the message names file, line or value, and the remedy. Exit 2."""

    def __init__(self, message: str, *, returncode: int = BAD_INPUT) -> None:
        super().__init__(message, returncode=returncode)


class NotReady(BadInput):
    """What the work needs does not answer now: the same command does it later. Exit 3."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=NOT_FINISHED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did: the object that --json prints, lines for people, and the exit code."""

    result: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    exit_code: int = OK


class StudioCommand(BaseCommand):
    """A command that returns an Outcome from `carry_out` and names an `example` for its help."""

    example = ""
    # They load every page, a third of a second each time; `migrate`, `up` and `doctor` make them.
    requires_system_checks: tuple[str, ...] | Literal["__all__"] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, epilog=f"Example:\n  {self.example}", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        self.add_own_arguments(parser)

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Arguments of one command."""

    def carry_out(self, **options: Any) -> Outcome:
        """Do the work; each command has its own."""
        raise TypeError(f"{type(self).__name__} lacks carry_out")

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json = bool(options["json"])
        try:
            outcome = self._carry_out_on_present_tables(**options)
        except BadInput as error:
            if self.as_json:
                self.stdout.write(json.dumps({"error": str(error)}, ensure_ascii=False))
            raise
        for line in outcome.lines:
            self.stdout.write(line)
        if self.as_json:
            self.stdout.write(json.dumps(outcome.result, ensure_ascii=False, default=str))
        if outcome.exit_code:
            sys.exit(outcome.exit_code)

    def _carry_out_on_present_tables(self, **options: Any) -> Outcome:
        try:
            return self.carry_out(**options)
        except DatabaseError as error:
            if tables_are_behind():
                raise BadInput("the database lacks tables of this version; run: manage.py migrate") from error
            raise

    def progress(self, items: Iterable[Item], *, total: int | None, what: str) -> Iterator[Item]:
        """The same items, with a bar on a terminal and a plain line at every tenth otherwise."""
        if self.stderr.isatty():
            yield from tqdm(items, total=total, desc=what, unit="", file=sys.stderr, leave=False)
            return
        step = max(1, (total or 0) // 10)
        for number, item in enumerate(items, start=1):
            yield item
            if total and number % step == 0:
                self.stderr.write(f"{what}: {number} of {total}")


def tables_are_behind() -> bool:
    """Whether a migration waits; `migrate` itself takes two seconds to find that none does."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
