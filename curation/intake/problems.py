"""Import problems with their tests and solutions, for similar-problem and follow-up dialogues."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accounts.models import Door, User
from curation.intake.batches import Intake, OnOpen, import_file
from curation.intake.forms import OnBytes
from curation.intake.previewing import Preview, preview_file, sample_of
from curation.intake.problem_sources import LAYOUTS, SourceProblem, SourceSolution, detect
from curation.intake.records import BadRecord, Record
from curation.intake.repeats import note_repeats
from curation.intake.sources import AUTO, UnknownLayout
from curation.models import ImportBatch, Problem, Solution, Source
from curation.texts import in_short, storable, text_hash

# A problem brings its tests along; this keeps the write transaction short.
CHUNK_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """One readable problem, ready to be stored."""

    problem: SourceProblem
    text_hash: str

    def __str__(self) -> str:
        languages = ", ".join(sorted({one.language or "unknown" for one in self.problem.solutions})) or "no solution"
        return f"{in_short(self.problem.title)} ({languages}): {in_short(self.problem.text)}"


def import_problems(
    path: Path,
    *,
    source: str,
    layout: str = AUTO,
    by: User | None,
    door: Door = Door.PAGE,
    on_bytes: OnBytes | None = None,
    on_open: OnOpen | None = None,
) -> ImportBatch | None:
    """Import one file of problems; None when it holds no record at all."""
    sample = sample_of(path)
    if sample is None:
        return None
    intake = problem_intake(sample.values, layout=layout)
    return import_file(path, intake, source=source, by=by, door=door, on_bytes=on_bytes, on_open=on_open)


def preview_problems(path: Path, *, layout: str = AUTO) -> Preview[ProblemLine]:
    """What the same import would make of the first records."""
    return preview_file(path, lambda values: problem_intake(values, layout=layout))


def problem_intake(values: list[Any], *, layout: str) -> Intake[ProblemLine]:
    """How a file with such first records is read; raises UnknownLayout."""
    name = detect(values) if layout == AUTO else layout
    if name not in LAYOUTS:
        raise UnknownLayout(f"there is no problem layout {name!r}; choose from {', '.join([AUTO, *LAYOUTS])}")
    return Intake(
        ImportBatch.Holds.PROBLEMS,
        name,
        read=lambda record: read_problem(record, name),
        store=store_problems,
        chunk_records=CHUNK_PROBLEMS,
    )


def read_problem(record: Record, layout: str) -> ProblemLine:
    """One record as its layout has it; raises BadRecord."""
    if not isinstance(record.value, dict):
        raise BadRecord("not a JSON object; give one object with named fields per record")
    problem = LAYOUTS[layout].read(record.value)
    return ProblemLine(problem, text_hash(problem.text))


def store_problems(batch: ImportBatch, lines: list[ProblemLine]) -> int:
    """Store the problems that are new, and of all of them the solutions that are; how many problems were new."""
    # Two imports into one source take turns, so that each problem is counted as new once.
    Source.objects.select_for_update().get(pk=batch.source_id)
    own = {line.text_hash for line in lines}
    lines = _joined(batch, lines)
    known = _stored(batch, lines)
    new: dict[str, Problem] = {}
    for line in lines:
        if line.text_hash not in known and line.text_hash not in new:
            new[line.text_hash] = _problem(batch, line)
    Problem.objects.bulk_create(new.values())
    stored = _stored(batch, lines)
    solutions = [_solution(batch, stored[line.text_hash], one) for line in lines for one in line.problem.solutions]
    _note_repeats(batch, known, own, solutions)
    Solution.objects.bulk_create(solutions, ignore_conflicts=True)
    _name_languages(solutions)
    return len(new)


def _joined(batch: ImportBatch, lines: list[ProblemLine]) -> list[ProblemLine]:
    """Problems that come without a statement are those of the same id that the source holds already."""
    sought = {line.problem.external_id for line in lines if not line.problem.has_statement}
    rows = Problem.objects.filter(source_id=batch.source_id, external_id__in=sought).order_by("-pk")
    held = dict(rows.values_list("external_id", "text_hash"))
    return [
        line
        if line.problem.has_statement
        else replace(line, text_hash=held.get(line.problem.external_id, line.text_hash))
        for line in lines
    ]


def _note_repeats(batch: ImportBatch, known: dict[str, int], own: set[str], solutions: list[Solution]) -> None:
    """Of the problems that stood, those that this file tells too, and those of their solutions that it holds."""
    stood = Problem.objects.filter(pk__in=list(known.values()), text_hash__in=own)
    note_repeats(Problem, stood.exclude(batch=batch).values_list("pk", flat=True), batch)
    held = {(one.problem_id, one.code_hash) for one in solutions}
    rows = Solution.objects.filter(problem__in=list(known.values())).exclude(batch=batch)
    found = rows.values_list("pk", "problem", "code_hash")
    note_repeats(Solution, [pk for pk, *code in found if tuple(code) in held], batch)


def _name_languages(solutions: list[Solution]) -> None:
    """A source that names the language of code that another left unnamed is believed."""
    unnamed = Solution.objects.filter(problem__in={one.problem_id for one in solutions}, language="")
    for language in {one.language for one in solutions if one.language}:
        hashes = {one.code_hash for one in solutions if one.language == language}
        unnamed.filter(code_hash__in=hashes).update(language=language)


def _stored(batch: ImportBatch, lines: list[ProblemLine]) -> dict[str, int]:
    hashes = {line.text_hash for line in lines}
    rows = Problem.objects.filter(source_id=batch.source_id, text_hash__in=hashes)
    return dict(rows.values_list("text_hash", "pk"))


def _problem(batch: ImportBatch, line: ProblemLine) -> Problem:
    problem = line.problem
    return Problem(
        source_id=batch.source_id,
        batch_id=batch.pk,
        external_id=storable(problem.external_id)[:128],
        title=storable(problem.title)[:300],
        text=storable(problem.text),
        text_hash=line.text_hash,
        difficulty=storable(problem.difficulty).lower()[:32],
        tags=_storable(problem.tags),
        tests=_storable(problem.tests),
    )


def _solution(batch: ImportBatch, problem_id: int, solution: SourceSolution) -> Solution:
    code = storable(solution.code)
    return Solution(
        problem_id=problem_id,
        batch_id=batch.pk,
        language=solution.language,
        code=code,
        code_hash=hashlib.sha256(code.strip().encode()).hexdigest(),
        complexity=solution.complexity,
    )


def _storable(value: Any) -> Any:
    """The same JSON with texts that both databases can hold."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {storable(str(name)): _storable(one) for name, one in value.items()}
    return value
