"""What is written when a dialogue is approved."""

import hashlib
import json

import pytest

from dialogues.models import Turn
from dialogues.versions import write_version
from tests.making import a_dialogue

pytestmark = pytest.mark.django_db


def test_a_version_holds_role_and_content_of_every_turn_and_nothing_else():
    dialogue = a_dialogue("Sort é\u2028 these.", "Here: `sorted`.")
    version = write_version(dialogue, by=None)
    assert json.loads(version.messages) == [
        {"role": "user", "content": "Sort é\u2028 these."},
        {"role": "assistant", "content": "Here: `sorted`."},
    ]


def test_the_hash_is_that_of_the_canonical_text():
    version = write_version(a_dialogue(), by=None)
    again = json.dumps(json.loads(version.messages), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert version.messages == again
    assert version.sha256 == hashlib.sha256(version.messages.encode()).hexdigest()


def test_a_second_approval_writes_a_second_version_and_leaves_the_first_alone(reviewer):
    dialogue = a_dialogue()
    first = write_version(dialogue, by=reviewer)
    Turn.objects.filter(dialogue=dialogue, position=2).update(content="It fails on an empty list.")
    second = write_version(dialogue, by=reviewer)
    assert (first.number, second.number) == (1, 2)
    assert first.sha256 != second.sha256
    first.refresh_from_db()
    assert "slow on long lists" in first.messages
