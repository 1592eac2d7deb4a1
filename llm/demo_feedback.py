"""The demo model as the simulated user: what it likes, what it misses, and how it says so."""

import json
import tomllib
from pathlib import Path

from llm.demo_bank import CATEGORIES, Bank
from llm.demo_comparing import compare, compares
from llm.demo_conversation import Messages, choose, last_user_text, outside, quoted_turns

SHEET = tomllib.loads((Path(__file__).parent / "demo_wishes.toml").read_text(encoding="utf-8"))
SATISFIED: list[str] = SHEET["satisfied"]
WISHES: list[dict[str, str]] = SHEET["wish"]


def criticise(messages: Messages, bank: Bank) -> str:
    """The simulated user's JSON about a quoted conversation; asked to compare two tasks, whether they are one."""
    if compares(messages):
        return compare(messages)
    prompt = last_user_text(messages, holding="<conversation>")
    turns = quoted_turns(prompt)
    query = turns[0][1] if turns else prompt
    said = [text for speaker, text in turns if speaker == "user"]
    problem = bank.find(query)
    if problem is not None and problem.feedback not in said:
        satisfied, wish = problem.satisfied, vars(problem)
    else:
        # The number of turns changes the choice, so that a second round brings another wish.
        satisfied = choose(SATISFIED, query, f"satisfied {len(said)}")
        category = _category(prompt, query, len(said))
        wish = choose([wish for wish in WISHES if wish["category"] == category], query, f"wish {len(said)}")
    reply = {"satisfied": satisfied} | {name: wish[name] for name in ("not_satisfied", "feedback", "category")}
    return json.dumps(reply, ensure_ascii=False)


def category_of(feedback: str) -> str:
    """The category that a wish belongs to; for one in a person's own words, any, always the same."""
    known = {wish["feedback"]: wish["category"] for wish in WISHES}
    return known.get(feedback.strip()) or choose(CATEGORIES, feedback, "category")


def _category(prompt: str, query: str, rounds: int) -> str:
    """The category the prompt asks for, when it names just one; else one that the query's hash picks."""
    named = [category for category in CATEGORIES if category in outside(prompt, "conversation")]
    return named[0] if len(named) == 1 else choose(CATEGORIES, query, f"category {rounds}")
