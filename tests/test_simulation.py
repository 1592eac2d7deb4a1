"""The simulated interaction, with scripted models and runs."""

import asyncio
import json

import pytest

from dialogues.consistency import lint
from dialogues.drafts import Flag
from dialogues.methods.simulation import SimulationPayload, simulate
from llm.replies import BadReply
from runs.kinds import Answer, Skipped
from tests.making import ScriptedAsk, ScriptedExecute

OK = ("ok", "done\n", "")
FAILED = ("error", "", "NameError: name 'x' is not defined\n")
FEEDBACK = json.dumps(
    {
        "satisfied": "It runs.",
        "not_satisfied": "Empty lists are not handled.",
        "feedback": "It fails when my list is empty.",
        "category": "Bug Identification",
    }
)


def code(number):
    return f"Version {number}:\n\n```python\nprint({number})\n```"


def simulated(texts, results, rounds=1, **payload):
    ask, execute = ScriptedAsk(*texts), ScriptedExecute(*results)
    payload = SimulationPayload(query_id=3, query="Print a number.", feedback_rounds=rounds, **payload)
    draft = asyncio.run(simulate(payload, ask, execute))
    draft.check()
    assert not ask.texts and not execute.results
    return draft, ask, execute


def kinds(draft):
    return " ".join(turn.kind for turn in draft.turns)


def test_a_clean_run_that_the_refiner_leaves_alone_goes_straight_to_feedback():
    draft, ask, execute = simulated([code(1), code(1), FEEDBACK, code(2)], [OK, OK, OK])
    assert kinds(draft) == "query answer execution answer feedback answer"
    assert [role for role, _, _ in ask.asked] == ["drafter", "refiner", "critic", "refiner"]
    assert execute.ran == ["print(1)\n", "print(1)\n", "print(2)\n"]
    assert draft.last_run_clean is True and lint(draft) == []


def test_a_failing_run_is_shown_and_repaired_before_the_user_speaks():
    draft, _, _ = simulated([code(1), code(2), code(2), FEEDBACK, code(3)], [FAILED, OK, OK, OK])
    assert kinds(draft) == "query answer execution answer execution answer feedback answer"
    assert "NameError" in draft.turns[2].content and "done" in draft.turns[4].content
    assert lint(draft) == []


def test_the_code_must_stand_still_and_not_only_run():
    draft, _, _ = simulated([code(1), code(2), code(2), FEEDBACK, code(3)], [OK, OK, OK, OK])
    assert kinds(draft).count("execution") == 2
    assert lint(draft) == []


def test_the_refiner_gets_three_goes_and_the_drafters_run_is_not_one():
    answers = [code(number) for number in range(4)]
    draft, ask, execute = simulated([*answers, FEEDBACK, code(9)], [FAILED, FAILED, FAILED, FAILED, OK])
    assert kinds(draft).count("execution") == 3
    assert [role for role, _, _ in ask.asked].count("refiner") == 4
    assert len(execute.ran) == 5
    assert lint(draft) == [Flag.ITERATION_LIMIT]


def test_code_that_fails_unchanged_has_not_settled():
    draft, _, _ = simulated([code(1), code(1), code(1), code(1), FEEDBACK, code(2)], [FAILED] * 5)
    assert lint(draft) == [Flag.LAST_RUN_FAILED, Flag.NEVER_RAN_CLEAN, Flag.ITERATION_LIMIT]
    assert draft.last_run_clean is False


def test_a_refiner_that_gives_no_code_changes_none():
    draft, _, _ = simulated([code(1), "All is well.", FEEDBACK, code(2)], [OK, OK])
    assert kinds(draft) == "query answer execution answer feedback answer"
    assert draft.turns[3].execution_id is None and draft.turns[5].execution_id == 2


def test_every_turn_says_which_call_or_run_it_came_from():
    draft, _, _ = simulated([code(1), code(1), FEEDBACK, code(2)], [OK, OK, OK])
    assert [turn.call_id for turn in draft.turns] == [None, 1, None, 2, 3, 4]
    assert [turn.execution_id for turn in draft.turns] == [None, 1, 1, 2, None, 3]
    assert [seed.query_id for seed in draft.seeds] == [3]
    assert (draft.turns[4].category, draft.turns[4].not_satisfied) == (
        "Bug Identification",
        "Empty lists are not handled.",
    )


def test_the_refiner_sees_the_whole_conversation_and_the_critic_sees_it_quoted():
    draft, ask, _ = simulated([code(1), code(1), FEEDBACK, code(2)], [OK, OK, OK])
    _, drafter, _ = ask.asked[0]
    assert [message["role"] for message in drafter] == ["system", "user"]
    _, refiner, _ = ask.asked[3]
    assert refiner[1:] == draft.messages()[:-1]
    _, critic, _ = ask.asked[2]
    assert "User:\nExecution result: \ndone" in critic[-1]["content"]


def test_code_that_waits_for_input_is_not_run_and_the_turn_asks_for_a_value():
    asking = "Here:\n\n```python\nname = input()\n```"
    draft, _, execute = simulated([asking, code(1), code(1), FEEDBACK, code(2)], [OK, OK, OK])
    assert execute.ran == ["print(1)\n", "print(1)\n", "print(2)\n"]
    assert "assign the value" in draft.turns[2].content and draft.turns[2].execution_id is None


def test_two_feedback_rounds_make_two_feedback_turns():
    draft, _, _ = simulated([code(1), code(1), FEEDBACK, code(2), FEEDBACK, code(3)], [OK] * 4, rounds=2)
    assert kinds(draft) == "query answer execution answer feedback answer feedback answer"


def test_no_feedback_round_ends_with_the_refined_answer():
    assert kinds(simulated([code(1), code(1)], [OK, OK], rounds=0)[0]) == "query answer execution answer"


def test_a_first_answer_without_code_is_skipped_with_the_reason():
    with pytest.raises(Skipped, match="no code in python"):
        simulated(["I would rather not."], [])


def test_an_answer_in_another_language_of_the_sandbox_is_run_in_it():
    class Recording(ScriptedExecute):
        async def __call__(self, code, language="python"):
            self.languages = [*getattr(self, "languages", []), language]
            return await super().__call__(code, language)

    answer = "```c++\nint main() {}\n```"
    payload = SimulationPayload(1, "Do nothing.", languages=["python", "cpp"], feedback_rounds=0)
    execute = Recording(OK, OK)
    draft = asyncio.run(simulate(payload, ScriptedAsk(answer, answer), execute))
    assert execute.languages == ["cpp", "cpp"] and draft.language == "cpp"


def test_an_unusable_critic_fails_the_item():
    with pytest.raises(BadReply):
        simulated([code(1), code(1), "no", "JSON"], [OK, OK])


def test_an_empty_answer_fails_the_item():
    with pytest.raises(BadReply, match="drafter's answer is empty"):
        simulated(["  \n"], [])


class OneAnswer:
    """An Ask with one prepared answer."""

    def __init__(self, **columns):
        self.answer = Answer(**{"text": code(1), "finish_reason": "stop", "call_id": 1, **columns})

    async def __call__(self, role, messages, **options):
        return self.answer


def test_a_refusal_is_skipped_in_the_models_words():
    with pytest.raises(Skipped, match=r"drafter refused: I cannot"):
        asyncio.run(simulate(SimulationPayload(1, "x"), OneAnswer(text="I cannot.", refused=True), ScriptedExecute()))


def test_an_answer_cut_off_at_its_limit_is_flagged():
    ask = OneAnswer(finish_reason="length")
    draft = asyncio.run(simulate(SimulationPayload(1, "x", feedback_rounds=0), ask, ScriptedExecute(OK, OK)))
    assert Flag.ANSWER_CUT_OFF in lint(draft)
