"""Dialogues of six turns in all states, with seeds, and versions of those that are approved."""

import random
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from bench.made_texts import writer
from curation.inserting import as_stored, insert_rows
from curation.models import Query
from dialogues.models import Dialogue, Seed, State, Turn, Version
from dialogues.versions import frozen

BLOCK = 100
STATES = {State.APPROVED: 55, State.IN_REVIEW: 35, State.NEEDS_WORK: 5, State.REJECTED: 5, State.DRAFT: 0.1}
METHODS = {"packing": 40, "simulation": 45, "imported": 15}
KINDS = ("query", "answer", "execution", "answer", "feedback", "answer")
DIALOGUE_COLUMNS = (
    *("id", "method", "state", "title", "language", "source_id", "exported", "text_hash"),
    *("last_run_clean", "created_at", "changed_at"),
)
TURN_COLUMNS = ("dialogue_id", "position", "role", "kind", "content", "original_content", "author_kind")


def fill_dialogues(count: int, *, seed: int = 6) -> int:
    """Write so many dialogues, each but the imported ones grown from one kept query."""
    rng, now, last = random.Random(seed), as_stored(timezone.now()), 0
    write = writer(rng)
    for start in range(1, count + 1, BLOCK):
        numbers = range(start, min(start + BLOCK, count + 1))
        queries = list(Query.objects.kept().filter(pk__gt=last).order_by("pk").only("language", "source")[:BLOCK])
        last = queries[-1].pk
        with transaction.atomic():
            _write_block(rng, [(n, queries[n - start], write(n)) for n in numbers], write, now)
    _link_versions()
    Query.objects.filter(pk__in=Seed.objects.values("query")).update(used=True)
    return count


def _write_block(rng: random.Random, made: list[Any], write: Any, now: str) -> None:
    dialogues, seeds, turns, versions = [], [], [], []
    for number, query, (text, answer) in made:
        state = rng.choices(list(STATES), weights=list(STATES.values()))[0]
        method = rng.choices(list(METHODS), weights=list(METHODS.values()))[0]
        exported = state == State.APPROVED and rng.random() < 0.8
        wish, better = write(number)
        contents = [content or "…" for content in (text, answer, "Execution result: \n7\n", answer, wish, better)]
        imported = method == "imported"
        hashed = f"made-{number}" if imported else ""
        row = (number, method, state.value, text[:200], query.language, query.source_id, exported, hashed)
        dialogues.append((*row, None if imported else True, now, now))
        turns += [_turn(number, position, content) for position, content in enumerate(contents)]
        if not imported:
            seeds.append((number, 0, query.pk, method))
        if state == State.APPROVED:
            roles = ["assistant" if position % 2 else "user" for position in range(len(contents))]
            told = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]
            versions.append((number, 1, *frozen(told), now))
    insert_rows(Dialogue, DIALOGUE_COLUMNS, dialogues)
    insert_rows(Seed, ("dialogue_id", "position", "query_id", "use"), seeds)
    insert_rows(Turn, TURN_COLUMNS, turns)
    insert_rows(Version, ("dialogue_id", "number", "messages", "sha256", "at"), versions)


def _turn(number: int, position: int, content: str) -> tuple[Any, ...]:
    kind = KINDS[position]
    return number, position, "assistant" if position % 2 else "user", kind, content, content, "model"


def _link_versions() -> None:
    """Each approved dialogue to its version: one statement, since the versions are numbered as they came."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dialogues_dialogue SET approved_version_id = (SELECT id FROM dialogues_version WHERE "
            "dialogues_version.dialogue_id = dialogues_dialogue.id) WHERE state = 'approved'"
        )
