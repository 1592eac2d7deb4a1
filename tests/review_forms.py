"""Addresses and forms of the review desk, as its pages send them."""

from django.urls import reverse

from dialogues.models import Dialogue

EDITED = "It copies the list twice. Long lists will not fit."


def address(dialogue):
    return reverse("dialogues:review_item", args=[dialogue.pk])


def edit_address(dialogue):
    return reverse("dialogues:edit_turn", args=[feedback_of(dialogue).pk])


def feedback_of(dialogue):
    return dialogue.turns.get(kind="feedback")


def decision_on(dialogue, outcome="approved", **further):
    version = Dialogue.objects.values_list("version", flat=True).get(pk=dialogue.pk)
    return {"version": version, "outcome": outcome, "reason": ""} | further


def edit_of(dialogue, **further):
    version = Dialogue.objects.values_list("version", flat=True).get(pk=dialogue.pk)
    return {"version": version, "content": EDITED, "category": "Resource Optimization"} | further
