"""What hangs on a source, or on one file of it: the rows that would go with it, and those that find another home."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from curation.intake.repeats import links_of
from curation.models import (
    ContaminationHit,
    HeldByFiles,
    ImportBatch,
    Problem,
    Query,
    RejectedRecord,
    Score,
    Sighting,
    Solution,
    Source,
    Verdict,
)
from curation.models.queries import QueryQuerySet
from dialogues.models import Dialogue, Export, Method, Review, Seed, Version
from dialogues.models.dialogues import DialogueQuerySet

# What a file may hold that another has brought, and under which name it counts when it moves. Queries have sightings.
MOVING: dict[type[HeldByFiles], str] = {
    Problem: "moving_problems",
    Solution: "moving_solutions",
    Dialogue: "moving_dialogues",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The whole of a source, or one batch of it."""

    source: Source
    batch: ImportBatch | None = None

    def batches(self) -> QuerySet[ImportBatch]:
        return self.source.batches.filter(pk=self.batch.pk) if self.batch else self.source.batches.all()

    def _home(self) -> dict[str, Source | ImportBatch]:
        return {"batch": self.batch} if self.batch else {"source": self.source}

    def _of_batches(self) -> Q:
        return Q(batch=self.batch) if self.batch else Q(batch__source=self.source)

    def queries(self) -> QueryQuerySet:
        """Queries that have their home here."""
        return Query.objects.filter(**self._home())

    def sightings(self) -> QuerySet[Sighting]:
        return Sighting.objects.filter(self._of_batches())

    def elsewhere(self) -> QuerySet[Sighting]:
        """Sightings in files that stay."""
        return Sighting.objects.exclude(self._of_batches())

    def going(self) -> QueryQuerySet:
        """Queries that no other file holds."""
        return self.queries().filter(~Exists(self.elsewhere().filter(query=OuterRef("pk"))))

    def moving(self) -> QueryQuerySet:
        """Queries that a file that stays holds too."""
        return self.queries().filter(Exists(self.elsewhere().filter(query=OuterRef("pk"))))

    def staying(self) -> QuerySet[ImportBatch]:
        """Files that stay."""
        return ImportBatch.objects.exclude(pk__in=self.batches().order_by().values("pk"))

    def repeats_of(self, model: type[HeldByFiles]) -> QuerySet[Any]:
        """That these files hold rows which another brought."""
        rows: QuerySet[Any] = links_of(model).objects.filter(importbatch__in=self.batches().order_by())
        return rows

    def home(self, model: type[HeldByFiles]) -> QuerySet[Any]:
        """Problems, solutions or imported dialogues that have their home here."""
        return model._default_manager.filter(self._is_home(model))

    def moving_of(self, model: type[HeldByFiles]) -> QuerySet[Any]:
        """Those of them that a file that stays holds too; a solution does not outlive its problem."""
        moving = self.home(model).filter(self._elsewhere_too(model))
        return moving.exclude(problem__in=self.problems()) if model is Solution else moving

    def _is_home(self, model: type[HeldByFiles]) -> Q:
        if model is Solution:
            return self._of_batches()
        return Q(method=Method.IMPORTED, **self._home()) if model is Dialogue else Q(**self._home())

    def _elsewhere_too(self, model: type[HeldByFiles]) -> Exists:
        links = links_of(model).objects.filter(importbatch__in=self.staying().order_by())
        return Exists(links.filter(**{f"{model._meta.model_name}": OuterRef("pk")}))

    def problems(self) -> QuerySet[Problem]:
        """Problems that no other file holds."""
        return self.home(Problem).filter(~self._elsewhere_too(Problem))

    def solutions(self) -> QuerySet[Solution]:
        """Solutions that no other file holds, of problems that stay."""
        alone = self.home(Solution).filter(~self._elsewhere_too(Solution))
        return alone.exclude(problem__in=self.problems())

    def rejected(self) -> QuerySet[RejectedRecord]:
        return RejectedRecord.objects.filter(self._of_batches())

    def imported_dialogues(self) -> DialogueQuerySet:
        """Dialogues that came with its files and with no other."""
        return Dialogue.objects.filter(self._is_imported())

    def grown_dialogues(self) -> DialogueQuerySet:
        """Dialogues built of what goes, or that lost their seeds and began in this source."""
        return Dialogue.objects.filter(self._is_grown())

    def dialogues(self) -> DialogueQuerySet:
        """Both: all that goes, or stays as withdrawn where it was exported."""
        return Dialogue.objects.filter(self._is_imported() | self._is_grown())

    def dialogues_concerned(self) -> DialogueQuerySet:
        """These, and those that move."""
        return Dialogue.objects.filter(self._is_home(Dialogue) | self._is_grown())

    def _is_imported(self) -> Q:
        return Q(self._is_home(Dialogue), ~self._elsewhere_too(Dialogue))

    def _is_grown(self) -> Q:
        of_queries = Seed.objects.filter(query__in=self.going()).values("dialogue")
        of_problems = Seed.objects.filter(problem__in=self.problems()).values("dialogue")
        of_solutions = Seed.objects.filter(solution__in=self.solutions()).values("dialogue")
        without_seeds = ~Exists(Seed.objects.filter(dialogue=OuterRef("pk"))) & ~Q(method=Method.IMPORTED)
        of_these = Q(pk__in=of_queries) | Q(pk__in=of_problems) | Q(pk__in=of_solutions)
        return of_these | Q(without_seeds, **self._home())


def exported_versions(exports: QuerySet[Export] | None = None) -> set[int]:
    """The versions that stand in an export that was made."""
    done = (Export.objects.all() if exports is None else exports).filter(state=Export.State.DONE)
    return {version for listed in done.values_list("version_ids", flat=True) for version in listed}


def counted(scope: Scope) -> dict[str, int]:
    """How many rows of each kind are concerned."""
    going, dialogues = scope.going(), scope.dialogues()
    exported = _exported(dialogues)
    return {
        "queries": going.count(),
        "moving": scope.moving().count(),
        "sightings": scope.sightings().count(),
        "scores": Score.objects.filter(query__in=going).count(),
        "verdicts": Verdict.objects.filter(query__in=going).count(),
        "hits": ContaminationHit.objects.filter(query__in=going).count(),
        "freed": Query.objects.filter(duplicate_of__in=going).exclude(pk__in=going).count(),
        "problems": scope.problems().count(),
        "solutions": Solution.objects.filter(problem__in=scope.problems()).count() + scope.solutions().count(),
        "grown": scope.grown_dialogues().count(),
        "imported": scope.imported_dialogues().count(),
        **{name: scope.moving_of(model).count() for model, name in MOVING.items()},
        "exported": len(exported),
        "reviews": _not_of(exported, Review.objects.filter(dialogue__in=dialogues)),
        "versions": _not_of(exported, Version.objects.filter(dialogue__in=dialogues)),
        "rejected": scope.rejected().count(),
        "batches": scope.batches().count(),
    }


def _exported(dialogues: DialogueQuerySet) -> set[int]:
    """Those of the dialogues that left in an export."""
    left = exported_versions()
    versions = Version.objects.filter(dialogue__in=dialogues).order_by().values_list("pk", "dialogue")
    return {dialogue for version, dialogue in versions if version in left}


def _not_of(exported: set[int], rows: QuerySet[Review] | QuerySet[Version]) -> int:
    return sum(dialogue not in exported for dialogue in rows.order_by().values_list("dialogue", flat=True))


def exports_with(scope: Scope) -> list[tuple[Export, int]]:
    """The exports that hold dialogues of it, newest first, each with how many."""
    versions = set(Version.objects.filter(dialogue__in=scope.dialogues()).order_by().values_list("pk", flat=True))
    done = Export.objects.filter(state=Export.State.DONE) if versions else Export.objects.none()
    found = [(export, len(versions.intersection(export.version_ids))) for export in done]
    return [(export, held) for export, held in found if held]
