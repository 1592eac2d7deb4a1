"""The Celery side of curation: what pages ask for that goes through the whole pool, done by the worker for jobs."""

from celery import shared_task

from accounts.models import Door
from curation.contamination import check_contamination
from curation.models import ContaminationPass, RulePass
from curation.ruling import carry_out
from embeddings import Embedder


@shared_task
def decide_all(pass_id: int) -> None:
    """Carry out a noted pass; a doubled message changes nothing."""
    carry_out(RulePass.objects.select_related("by").get(pk=pass_id))


@shared_task
def check(pass_id: int) -> None:
    """Carry out a check of contamination. A doubled message finds it begun and changes nothing."""
    if not ContaminationPass.objects.begin(pass_id):
        return
    one = ContaminationPass.objects.get(pk=pass_id)
    try:
        check_contamination(one, door=Door.PAGE, embedder=Embedder() if one.nearest else None)
    except Exception as error:
        ContaminationPass.objects.filter(pk=pass_id).update(error=str(error) or type(error).__name__)
        raise
