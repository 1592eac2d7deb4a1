"""Queries that several people judge: asked for, given blind and unprompted, a tie settled by a third."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Door
from curation.audits import auditing
from curation.audits.double_audits import double_audits, waiting_for_another
from curation.models import Query
from tests.judged import a_score, two_judges
from tests.making import a_query
from tests.test_auditing import a_dispute, a_verdict

pytestmark = pytest.mark.django_db


def judge_next(person, **said):
    query = auditing.next_dispute(by=person, at=timezone.now())
    return a_verdict(query, person, **said)


def test_a_tie_is_settled_by_a_third_person(reviewer, other_reviewer, curator):
    only = a_dispute(reviews_wanted=2)
    judge_next(reviewer, keep=True)
    judge_next(other_reviewer, keep=False, value=2)
    tied = Query.objects.get(pk=only.pk)
    assert (tied.reviews_given, tied.reviews_wanted) == (2, 3)
    judge_next(curator, keep=True)
    settled = Query.objects.get(pk=only.pk)
    assert (settled.decision, settled.reviews_given, settled.reviews_wanted) == ("keep", 3, 3)
    assert (double_audits().ties, double_audits().settled) == (1, 1)
    auditing.withdraw_verdict(only.pk, by=curator)
    assert Query.objects.get(pk=only.pk).decision == "drop"
    assert waiting_for_another() == 1


def test_a_second_verdict_is_asked_for_once_and_given_blind(reviewer, other_reviewer):
    only = a_dispute()
    judge_next(reviewer, value=5)
    asked = auditing.ask_again([only.pk], by=reviewer, door=Door.PAGE)
    assert asked.rows_changed == 1
    assert auditing.ask_again([only.pk], by=reviewer, door=Door.PAGE).rows_changed == 0
    assert auditing.next_dispute(by=reviewer, at=timezone.now()) is None
    assert judge_next(other_reviewer, value=4).blind
    people = double_audits()
    assert (people.queries, people.ties) == (1, 0)
    assert people.by_level["within_one"].value == 1.0
    assert people.by_decision["exact"].value == 1.0


def test_a_query_judged_by_way_of_a_cell_comes_into_the_queue_when_a_second_verdict_is_asked_for(
    reviewer, other_reviewer
):
    agreeing = a_query(scoring="readable", mean=4.0)
    a_verdict(auditing.take(agreeing.pk, by=reviewer, at=timezone.now()), reviewer, keep=False)
    asked = auditing.ask_again([agreeing.pk], by=reviewer, door=Door.PAGE)
    assert auditing.next_dispute(by=other_reviewer, at=timezone.now()) == agreeing
    undo(asked, by=reviewer)
    assert not Query.objects.awaiting_audit().filter(pk=agreeing.pk).exists()


def test_where_several_people_judge_each_says_unprompted_who_was_right(reviewer_client):
    judges = two_judges()

    def ticked(**columns):
        query = a_dispute(**columns)
        for judge, value in zip(judges, (4, 2), strict=True):
            a_score(query, judge, value)
        page = reviewer_client.get(reverse("curation:audit_item", args=[query.pk]), {"value": 4})
        return re.findall(r'id="right-(\w+)"[^>]* checked', page.content.decode())

    assert ticked() == ["a"]
    assert ticked(reviews_wanted=2) == []
