"""Audit of disputes: who is handed what, what a verdict writes, what a late one meets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actions import CannotUndo, undo
from accounts.models import Action, Door
from curation.audits import auditing
from curation.models import Query, Scoring, Verdict
from tests.making import a_query
from web.claims import Stale

pytestmark = pytest.mark.django_db


def a_dispute(**columns):
    return a_query(disputed=True, scoring=Scoring.READABLE, mean=3.5, **{"linked_gap": 2.0} | columns)


def a_verdict(query, by, **given):
    facts = {"version": query.version, "value": 4, "keep": True, "who_was_right": "a", "note": "", "seconds": 12.0}
    return auditing.give_verdict(query.pk, by=by, at=timezone.now(), **facts | given)


def test_the_widest_dispute_comes_first_and_is_claimed(reviewer):
    a_dispute(linked_gap=2.0)
    wide = a_dispute(linked_gap=None)
    now = timezone.now()
    query = auditing.next_dispute(by=reviewer, at=now)
    assert query == wide
    assert query.claimed_by == reviewer
    assert query.claimed_until > now


def test_a_claimed_dispute_is_not_handed_to_another_until_the_lease_ends(reviewer, other_reviewer):
    only = a_dispute()
    now = timezone.now()
    auditing.next_dispute(by=reviewer, at=now)
    assert auditing.next_dispute(by=other_reviewer, at=now) is None
    assert auditing.next_dispute(by=reviewer, at=now) == only
    assert auditing.next_dispute(by=other_reviewer, at=now + timedelta(hours=2)) == only


def test_a_verdict_decides_counts_and_releases(reviewer):
    a_dispute()
    query = auditing.next_dispute(by=reviewer, at=timezone.now())
    verdict = a_verdict(query, reviewer, keep=False, value=2, who_was_right="b", note="A toy.")
    after = Query.objects.get(pk=query.pk)
    assert (after.decision, after.decision_rule, after.stage) == ("drop", "verdict", "dropped")
    assert (after.reviews_given, after.version, after.decision_version) == (1, query.version + 1, 1)
    assert after.claimed_by is None
    assert verdict.blind
    action = Action.objects.get()
    assert (action.verb, action.by, action.rows_changed, action.note) == ("give verdict", reviewer, 2, "A toy.")


@pytest.mark.parametrize("late", ["another version", "another holder", "nobody holds it", "already judged"])
def test_a_verdict_that_comes_too_late_is_stale_and_writes_nothing(late, reviewer, other_reviewer):
    a_dispute()
    query = auditing.next_dispute(by=reviewer, at=timezone.now())
    row = Query.objects.filter(pk=query.pk)
    if late == "another version":
        row.update(version=query.version + 1)
    elif late == "another holder":
        row.update(claimed_by=other_reviewer)
    elif late == "nobody holds it":
        row.update(claimed_by=None, claimed_until=None)
    else:
        row.update(reviews_given=1)
    with pytest.raises(Stale) as error:
        a_verdict(query, reviewer)
    assert error.value.current == query
    assert not Verdict.objects.exists()
    assert not Action.objects.exists()


def test_who_gave_a_verdict_is_not_asked_again_while_others_are(reviewer, other_reviewer):
    only = a_dispute(reviews_wanted=2)
    a_verdict(auditing.next_dispute(by=reviewer, at=timezone.now()), reviewer)
    assert auditing.next_dispute(by=reviewer, at=timezone.now()) is None
    assert auditing.next_dispute(by=other_reviewer, at=timezone.now()) == only


def test_a_skipped_dispute_goes_to_others_and_comes_back_when_its_time_has_passed(reviewer, other_reviewer):
    only = a_dispute()
    now = timezone.now()
    query = auditing.next_dispute(by=reviewer, at=now)
    action = auditing.skip(query, by=reviewer, at=now, until=now + timedelta(hours=1))
    assert auditing.next_dispute(by=reviewer, at=now) is None
    assert auditing.count_skipped(reviewer, at=now) == 1
    assert auditing.next_dispute(by=other_reviewer, at=now) == only
    assert auditing.next_dispute(by=reviewer, at=now + timedelta(hours=2)) == only
    undo(action, by=reviewer)
    assert auditing.disputes_for(reviewer, at=timezone.now()).get() == only


def test_a_skipped_dispute_that_another_decides_is_no_longer_among_the_skipped(reviewer, other_reviewer):
    now = timezone.now()
    auditing.skip(a_dispute(), by=reviewer, at=now, until=now + timedelta(hours=1))
    a_verdict(auditing.next_dispute(by=other_reviewer, at=now), other_reviewer)
    assert auditing.count_skipped(reviewer, at=now) == 0


def test_next_and_previous_walk_the_queue_without_deciding(reviewer):
    narrow, wide, middle = a_dispute(linked_gap=2.0), a_dispute(linked_gap=4.0), a_dispute(linked_gap=3.0)
    now = timezone.now()
    assert auditing.next_dispute(by=reviewer, at=now, after=wide) == middle
    assert auditing.next_dispute(by=reviewer, at=now, after=middle) == narrow
    assert auditing.next_dispute(by=reviewer, at=now, after=narrow) is None
    assert auditing.previous_dispute(by=reviewer, at=now, before=narrow) == middle
    assert auditing.previous_dispute(by=reviewer, at=now, before=wide) is None


def test_a_filter_narrows_the_queue(reviewer):
    a_dispute(language="go")
    python = a_dispute(language="python")
    assert auditing.next_dispute(by=reviewer, at=timezone.now(), only={"written_in": "python"}) == python


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the size of the table")
@pytest.mark.parametrize("only", [{}, {"written_in": "go"}, {"origin": 1, "written_in": ""}])
def test_next_reads_the_index_of_the_queue_and_not_past_judged_rows(reviewer, only):
    queue = auditing.disputes_for(reviewer, at=timezone.now(), only=only)
    queue = queue.within_reach(by_id=reviewer.pk, at=timezone.now())
    plan = queue.values_list("pk")[:8].explain()
    assert "query_audit_queue" in plan
    assert "TEMP B-TREE" not in plan


def test_undoing_a_verdict_puts_the_query_back_as_the_rule_left_it(reviewer):
    rule = {"decision": "drop", "decision_rule": "mean_at_least 4.0", "decided_at": timezone.now()}
    before = a_dispute(**rule)
    query = auditing.next_dispute(by=reviewer, at=timezone.now())
    verdict = a_verdict(query, reviewer)
    undo(Action.objects.get(verb="give verdict"), by=reviewer)
    after = Query.objects.get(pk=query.pk)
    for column in ("decision", "decision_rule", "decided_at", "reviews_given", "decision_version"):
        assert getattr(after, column) == getattr(before, column)
    assert after.version > query.version
    verdict.refresh_from_db()
    assert verdict.withdrawn
    again = a_verdict(auditing.next_dispute(by=reviewer, at=timezone.now()), reviewer)
    assert not again.blind  # the scores had been shown to this person before


def test_ones_own_verdict_is_withdrawn_once(reviewer, other_reviewer):
    only = a_dispute()
    a_verdict(auditing.next_dispute(by=reviewer, at=timezone.now()), reviewer)
    assert auditing.take(only.pk, by=reviewer, at=timezone.now()) is None
    with pytest.raises(CannotUndo, match="no standing verdict"):
        auditing.withdraw_verdict(only.pk, by=other_reviewer)
    auditing.withdraw_verdict(only.pk, by=reviewer)
    with pytest.raises(CannotUndo, match="no standing verdict"):
        auditing.withdraw_verdict(only.pk, by=reviewer)
    assert auditing.take(only.pk, by=other_reviewer, at=timezone.now()) == only
    assert auditing.take(only.pk, by=reviewer, at=timezone.now()) is None


def test_many_are_kept_or_dropped_in_one_action_that_ignores_claims(reviewer, curator):
    held = a_dispute()
    others = [a_dispute() for _ in range(3)]
    mine = auditing.next_dispute(by=reviewer, at=timezone.now())
    assert mine == held
    action = auditing.keep_many([held.pk, *(query.pk for query in others)], by=curator, door=Door.ADMIN)
    assert action.rows_changed == 4
    assert set(Query.objects.values_list("stage", flat=True)) == {"kept"}
    assert not Query.objects.awaiting_audit().exists()
    with pytest.raises(Stale):
        a_verdict(mine, reviewer)
    assert auditing.keep_many([held.pk], by=curator, door=Door.ADMIN).rows_changed == 0
    undo(action, by=curator)
    assert Query.objects.awaiting_audit().count() == 4
    assert auditing.drop_many([held.pk], by=None, door=Door.COMMAND).rows_changed == 1


def test_reopening_withdraws_verdicts_and_queues_disputes_again(reviewer, curator):
    a_dispute()
    query = auditing.next_dispute(by=reviewer, at=timezone.now())
    verdict = a_verdict(query, reviewer)
    action = auditing.reopen_many([query.pk], by=curator, door=Door.ADMIN)
    verdict.refresh_from_db()
    assert verdict.withdrawn
    assert auditing.next_dispute(by=reviewer, at=timezone.now()) == query
    undo(action, by=curator)
    assert Query.objects.get(pk=query.pk).stage == "kept"


@pytest.mark.django_db(transaction=True)
def test_six_reviewers_judge_sixty_disputes_once_each(django_user_model):
    people = [django_user_model.objects.create_user(f"person-{number}") for number in range(6)]
    for number in range(60):
        a_dispute(linked_gap=number % 7)

    def work(person):
        judged = []
        try:
            while query := auditing.next_dispute(by=person, at=timezone.now()):
                a_verdict(query, person)
                judged.append(query.pk)
            return judged
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as pool:
        judged = [pk for pks in pool.map(work, people) for pk in pks]
    assert len(judged) == len(set(judged)) == 60
    assert Verdict.objects.count() == 60
    assert not Query.objects.awaiting_audit().exists()
