"""Expected scores: judges are asked for probabilities, and what they tell is kept beside the score."""

import asyncio

import pytest

from curation.scores.scoring import ScorePayload, score_query
from runs.kinds import Answer
from tests.making import ScriptedAsk

PROMPT = [{"role": "user", "content": "Rate <query>sort</query>."}]
SCORE_FIRST = ScorePayload(query_id=1, judge_id=1, messages=PROMPT, order="score_first")
REASON_FIRST = ScorePayload(query_id=1, judge_id=1, messages=PROMPT, order="reason_first")


def outcome_of(payload, ask):
    return asyncio.run(score_query(payload, ask))


class TellingAsk(ScriptedAsk):
    """Tells its probabilities where it is asked for them: the digit it chose or the one below."""

    async def __call__(self, role, messages, *, sample=0, logprobs=False, **options):
        answer = await super().__call__(role, messages, sample=sample)
        odds = [
            {"token": answer.text, "logprob": -0.6931472},
            {"token": str(int(answer.text) - 1), "logprob": -0.6931472},
        ]
        told = [odds[0] | {"top_logprobs": odds}] if answer.text.isdigit() and logprobs else None
        return Answer(answer.text, "stop", answer.call_id, logprobs=told)


def test_a_judge_is_asked_for_probabilities_and_the_expected_level_is_kept():
    outcome = outcome_of(SCORE_FIRST, TellingAsk("4"))
    assert (outcome.value, outcome.expected) == (4, pytest.approx(3.5))


def test_the_answer_to_a_reminder_has_its_expected_level_too():
    class Unclear(TellingAsk):
        async def __call__(self, role, messages, **options):
            if not self.asked:
                return await ScriptedAsk.__call__(self, role, messages)
            return await super().__call__(role, messages, **options)

    outcome = outcome_of(REASON_FIRST, Unclear("Hard to say.", "3"))
    assert (outcome.value, outcome.expected, outcome.explanation) == (3, pytest.approx(2.5), "Hard to say.")
