"""What a file may hold, and how each kind is read: the one place that knows all four imports."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curation.intake import benchmarks, problem_sources, sources
from curation.intake.batches import Intake
from curation.intake.benchmarks import benchmark_intake
from curation.intake.importing import QueryLine, query_intake
from curation.intake.mapping import MAPPED
from curation.intake.previewing import Preview, preview_file
from curation.intake.problems import ProblemLine, problem_intake
from curation.intake.sources import AUTO, command_for
from curation.models import ImportBatch
from curation.texts import storable
from dialogues import importing_dialogues
from dialogues.importing_dialogues import DialogueLine, dialogue_intake

Holds = ImportBatch.Holds
SHOWN = 300

LAYOUTS: dict[Holds, Sequence[str]] = {
    Holds.QUERIES: (*sources.LAYOUTS, MAPPED),
    Holds.DIALOGUES: tuple(importing_dialogues.LAYOUTS),
    Holds.PROBLEMS: tuple(problem_sources.LAYOUTS),
    Holds.BENCHMARK: tuple(benchmarks.LAYOUTS),
}
HOLDS_OF_COMMAND = {
    "import_queries": Holds.QUERIES,
    "import_dialogues": Holds.DIALOGUES,
    "import_problems": Holds.PROBLEMS,
    "import_benchmark": Holds.BENCHMARK,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """As what a file is read."""

    holds: str = Holds.QUERIES
    layout: str = AUTO
    mapping: dict[str, str] = field(default_factory=dict)
    drop_system: bool = False

    def as_stored(self) -> dict[str, Any]:
        return asdict(self)


def holds_of(values: Sequence[Any]) -> Holds:
    """What most of the first records are; queries when that cannot be told."""
    objects = [value for value in values if isinstance(value, dict)]
    commands = Counter(command for value in objects if (command := command_for(value)))
    return HOLDS_OF_COMMAND[commands.most_common(1)[0][0]] if commands else Holds.QUERIES


def intake_of(values: list[Any], choice: Choice, *, source: str) -> Intake[Any]:
    """How a file with such first records is read; raises UnknownLayout or BadMapping."""
    match choice.holds:
        case Holds.DIALOGUES:
            return dialogue_intake(values, layout=choice.layout, drop_system=choice.drop_system)
        case Holds.PROBLEMS:
            return problem_intake(values, layout=choice.layout)
        case Holds.BENCHMARK:
            return benchmark_intake(values, source)
        case _:
            mapping = choice.mapping if choice.layout == MAPPED else None
            return query_intake(values, layout=choice.layout, mapping=mapping)


def shown(row: Any) -> list[tuple[str, str]]:
    """A record as it would be stored, as names and texts for a page; long texts are cut."""
    match row:
        case QueryLine():
            facts = [("Language", row.language), ("Id", row.external_id), ("Tags", ", ".join(row.tags))]
            pairs = [("Query", row.text), ("Answer", row.response), *facts]
        case DialogueLine():
            first = [(message["role"].capitalize(), message["content"]) for message in row.messages[:2]]
            pairs = [*first, ("Turns", str(len(row.messages))), ("Language", row.language), ("Id", row.external_id)]
        case ProblemLine():
            problem = row.problem
            facts = [("Solutions", str(len(problem.solutions))), ("Tests", str(problem.tests.get("kind", "")))]
            pairs = [("Title", problem.title), ("Problem", problem.text), *facts, ("Tags", ", ".join(problem.tags))]
        case _:
            pairs = [("Task", row.external_id), ("Prompt", row.prompt), ("Solution", row.solution)]
    return [(name, storable(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")) for name, text in pairs if text]


def preview(path: Path, choice: Choice, *, source: str = "") -> Preview[Any]:
    """What an import by this choice would make of the first records; raises BrokenFile."""
    return preview_file(path, lambda values: intake_of(values, choice, source=source))
