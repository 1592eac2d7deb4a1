"""What may become a dialogue."""

import pytest

from dialogues.drafts import BadDraft, Draft, DraftSeed, DraftTurn, broken_rules
from dialogues.models import Method, Role, TurnKind

QUERY = DraftTurn(Role.USER, TurnKind.QUERY, "Sort this.", seed=0)
ANSWER = DraftTurn(Role.ASSISTANT, TurnKind.ANSWER, "Here.")


def draft(*turns, seeds=1):
    return Draft(Method.PACKING, seeds=[DraftSeed(query_id=1)] * seeds, turns=list(turns))


def test_alternating_turns_from_user_to_assistant_pass():
    draft(QUERY, ANSWER, QUERY, ANSWER).check()


@pytest.mark.parametrize(
    ("turns", "complaint"),
    [
        ([], "no messages"),
        ([QUERY], "last message is the user's"),
        ([ANSWER, QUERY], "message 0 is the assistant's where the user's is due"),
        ([QUERY, ANSWER, ANSWER], "message 2 is the assistant's"),
        ([QUERY, DraftTurn(Role.ASSISTANT, TurnKind.ANSWER, " \n")], "message 1 is empty"),
        ([QUERY, DraftTurn(Role.ASSISTANT, TurnKind.QUERY, "x")], "kind query, which the assistant does not say"),
        ([DraftTurn(Role.USER, TurnKind.QUERY, "x", seed=4), ANSWER], "seed 4 of 1"),
    ],
)
def test_a_draft_that_breaks_a_rule_names_it(turns, complaint):
    with pytest.raises(BadDraft, match=complaint):
        draft(*turns).check()


def test_a_draft_without_a_seed_is_refused():
    with pytest.raises(BadDraft, match="no seed"):
        draft(QUERY, ANSWER, seeds=0).check()


def test_every_broken_rule_is_listed():
    messages = [{"role": "assistant", "content": ""}, {"role": "system", "content": "x"}]
    assert len(broken_rules(messages)) == 3
