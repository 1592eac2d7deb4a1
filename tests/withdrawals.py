"""What tests of withdrawals need: dialogues grown from queries, and a withdrawal carried out."""

from curation.models import (
    Query,
    Score,
    Source,
)
from curation.models.judging import Judge, Template
from dialogues import withdrawing
from dialogues.hanging import Scope
from dialogues.models import Seed
from runs.models import Call
from tests.making import a_dialogue


def grown(*queries, method="packing", make=a_dialogue, **columns):
    dialogue = make(method=method, **columns)
    for position, query in enumerate(queries):
        Seed.objects.create(dialogue=dialogue, position=position, query=query, use=method)
    return dialogue


def scored(query):
    template = Template.objects.get_or_create(name="t", defaults={"level_labels": list("abcde"), "body": "x"})[0]
    judge = Judge.objects.get_or_create(template=template, model="m", sampling={})[0]
    call = Call.objects.create(key=f"k{query.pk}", role="scorer", endpoint="e", model="m", state="failed")
    Score.objects.create(query=query, judge=judge, value=3, state="ok", call=call)


def withdrawn(scope, **options):
    asked = withdrawing.ask(scope, by=None, **options)
    withdrawing.carry_out(asked.pk)
    asked.refresh_from_db()
    return asked


def of(slug):
    return Scope(Source.objects.get(slug=slug))


def by_text():
    return {query.text: query for query in Query.objects.all()}
