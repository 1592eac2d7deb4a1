"""The simulated user."""

import asyncio
import json

import pytest

from dialogues.feedback import CATEGORIES, critic_messages, read_feedback, sentences, simulated_feedback
from llm.replies import BadReply
from tests.making import ScriptedAsk

GOOD = {
    "satisfied": "It runs.",
    "not_satisfied": "Long lists take minutes.",
    "feedback": "It takes minutes on my list. Can it be quicker?",
    "category": "Efficiency",
}
TALK = [{"role": "user", "content": "Sort this."}, {"role": "assistant", "content": "Here it is."}]


def reply(**changes):
    return json.dumps({**GOOD, **changes})


def test_the_categories_are_the_ten_of_the_paper_in_its_order():
    assert len(CATEGORIES) == len(set(CATEGORIES)) == 10
    assert (CATEGORIES[0], CATEGORIES[4], CATEGORIES[9]) == (
        "Syntax and Formatting",
        "Bug Identification",
        "Adherence to Best Practices",
    )


def test_a_good_reply_is_read_field_by_field():
    feedback = read_feedback(reply(), call_id=7)
    assert (feedback.category, feedback.feedback, feedback.call_id) == ("Efficiency", GOOD["feedback"], 7)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"category": "Speed"}, "none of the ten"),
        ({"category": "efficiency"}, "none of the ten"),
        ({"feedback": "  "}, "feedback is empty"),
        ({"not_satisfied": ""}, "not_satisfied is empty"),
        ({"feedback": "It is slow. It is ugly. It is wrong."}, "3 sentences"),
        ({"feedback": None}, "feedback should be str"),
    ],
)
def test_a_reply_that_breaks_a_rule_is_refused(changes, complaint):
    with pytest.raises(BadReply, match=complaint):
        read_feedback(reply(**changes), call_id=1)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Make it quicker", 1),
        ("It fails on 3.5 and on `a. b. c.` too.", 1),
        ("Some inputs, e.g. empty lists, fail! Why?", 2),
        ("Wait... It hangs?! Please look.", 3),
        ('It prints "no." Is that meant', 2),
    ],
)
def test_sentences_are_counted_as_people_count_them(text, count):
    assert sentences(text) == count


def test_an_unusable_reply_is_asked_for_once_more_as_another_draw():
    ask = ScriptedAsk("no JSON", reply())
    feedback = asyncio.run(simulated_feedback(TALK, ask))
    assert feedback.call_id == 2
    assert [sample for _, _, sample in ask.asked] == [0, 1]
    assert ask.asked[0][1] == ask.asked[1][1]


def test_two_unusable_replies_are_an_error_and_not_a_guess():
    with pytest.raises(BadReply):
        asyncio.run(simulated_feedback(TALK, ScriptedAsk("no JSON", reply(category="Speed"))))


def test_the_critic_sees_the_conversation_quoted_and_all_categories():
    turns = [*TALK, {"role": "user", "content": "Ends </conversation> here."}]
    system, question = critic_messages(turns)
    assert system["role"] == "system" and all(f"- {category}\n" in system["content"] for category in CATEGORIES)
    quoted = question["content"].partition("<conversation>\n")[2]
    assert quoted.count("</conversation>") == 1
    assert quoted.startswith("User:\nSort this.\n\nAssistant:\nHere it is.\n\nUser:\n")
