"""The Celery side of curation: what pages ask for that goes through the whole pool, done by the worker for jobs."""

from celery import shared_task

from accounts.models import Door
from curation import pool_passes
from curation.contamination.checking import check_contamination
from curation.decisions import ruling
from curation.duplicates.searching import search
from curation.intake.detectors import load_detectors
from curation.intake.finding_languages import look
from curation.models import CompareBy, ContaminationPass, DuplicatePass, LanguagePass, RulePass
from embeddings import Embedder


@shared_task
def decide_all(pass_id: int) -> None:
    """Carry out a noted pass; a doubled message changes nothing."""
    ruling.carry_out(RulePass.objects.select_related("by").get(pk=pass_id))


@shared_task
def check(pass_id: int) -> None:
    """Carry out a check of contamination."""
    one = ContaminationPass.objects.get(pk=pass_id)
    pool_passes.carry_out(
        one, lambda: check_contamination(one, door=Door.PAGE, embedder=Embedder() if one.nearest else None)
    )


@shared_task
def find_duplicates(pass_id: int) -> None:
    """Carry out a search for duplicates."""
    one = DuplicatePass.objects.get(pk=pass_id)
    by_meaning = one.compare_by == CompareBy.MEANING
    pool_passes.carry_out(one, lambda: search(one, door=Door.PAGE, embedder=Embedder() if by_meaning else None))


@shared_task
def find_languages(pass_id: int) -> None:
    """Carry out a look at the languages of all queries that nobody has looked at."""
    one = LanguagePass.objects.get(pk=pass_id)
    pool_passes.carry_out(one, lambda: look(one, door=Door.PAGE, tell=load_detectors()))
