"""The Celery side of curation: a decision over the whole pool, carried out by the worker for jobs."""

from celery import shared_task

from curation.models import RulePass
from curation.ruling import carry_out


@shared_task
def decide_all(pass_id: int) -> None:
    """Carry out a noted pass; a doubled message changes nothing."""
    carry_out(RulePass.objects.select_related("by").get(pk=pass_id))
