"""Fifty reviewers at one audit queue: nobody ever holds what another holds, and each query is judged once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Action
from curation.audits import auditing
from curation.models import Query, Verdict
from curation.texts import text_hash
from tests.making import a_batch
from tests.sizes import sized
from tests.test_auditing import a_verdict

# At full size SQLite takes some ten minutes: fifty people write in turn.
pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600), pytest.mark.django_db(transaction=True)]

PEOPLE, VERDICTS = 50, sized(5_000)


def disputes(count):
    batch = a_batch()
    texts = [f"Dispute {number}" for number in range(count)]
    rows = [
        Query(
            text=text,
            text_hash=text_hash(text),
            source=batch.source,
            batch=batch,
            disputed=True,
            scoring="readable",
            mean=3.0,
            linked_gap=number % 5,
            flip_risk=number % 100,
        )
        for number, text in enumerate(texts)
    ]
    Query.objects.bulk_create(rows, batch_size=500)


def test_fifty_reviewers_never_hold_one_query(django_user_model):
    people = [django_user_model.objects.create_user(f"person-{number}") for number in range(PEOPLE)]
    disputes(VERDICTS)
    held: dict[int, str] = {}
    met_twice: list[tuple[int, str, str]] = []
    guard = Lock()

    def work(person):
        given = 0
        while judge_next(person):
            given += 1
        return given

    def judge_next(person):
        try:
            query = auditing.next_dispute(by=person, at=timezone.now())
            if query is None:
                return False
            with guard:
                if query.pk in held:
                    met_twice.append((query.pk, held[query.pk], person.username))
                held[query.pk] = person.username
            a_verdict(query, person)
            return True
        finally:
            connection.close()  # as at the end of a request: there are fewer connections than people

    with ThreadPoolExecutor(max_workers=PEOPLE) as pool:
        given = list(pool.map(work, people))
    assert met_twice == []
    assert sum(given) == VERDICTS == Verdict.objects.count() == len(held)
    assert Action.objects.filter(verb="give verdict").count() == VERDICTS
    assert not Query.objects.awaiting_audit().exists()
