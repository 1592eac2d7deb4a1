"""The demo model asked whether two tasks are one: by the words they share, and by opposites in which they differ."""

import re

from llm.demo_conversation import Messages, between, last_user_text

WORD = re.compile(r"[a-z]{3,}")
SAID_OF_ANY_TASK_WORDS = """
and are call called code complete create def develop each example examples find following for from function given has
implement input method number numbers output pass program python return returns script should takes test tests that the
these this using value values which will with write your
"""
SAID_OF_ANY_TASK = frozenset(SAID_OF_ANY_TASK_WORDS.split())
OPPOSITES = [
    (
        {"larg", "max", "maximum", "bigg", "high", "great", "long"},
        {"small", "min", "minimum", "low", "least", "short"},
    ),
    ({"even"}, {"odd"}),
    ({"first"}, {"last"}),
    ({"ascend"}, {"descend"}),
    ({"add", "sum", "plu"}, {"subtract", "differenc", "minu", "product", "multiply"}),
]
ENDINGS = ("ings", "ing", "est", "er", "ed", "es", "s", "e")
SAME_FROM = 0.5


def compares(messages: Messages) -> bool:
    """Whether this is that question."""
    return "<task_b>" in last_user_text(messages, holding="<task_b>")


def compare(messages: Messages) -> str:
    """SAME or OTHER, and the words that say so."""
    prompt = last_user_text(messages, holding="<task_b>")
    first, second = _stems(between(prompt, "task_a")), _stems(between(prompt, "task_b"))
    for one, other in OPPOSITES:
        for mine, theirs in ((first, second), (second, first)):
            if mine & one and theirs & other and not mine & other and not theirs & one:
                return f"OTHER\n{min(mine & one)} … is asked for in one, {min(theirs & other)} … in the other."
    shared = first & second
    share = len(shared) / max(1, min(len(first), len(second)))
    verdict = "SAME" if share >= SAME_FROM else "OTHER"
    named = ", ".join(sorted(shared)[:6]) or "no telling word"
    return f"{verdict}\nThey share {len(shared)} of {min(len(first), len(second))} telling words: {named}."


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in WORD.findall(text.casefold()) if word not in SAID_OF_ANY_TASK}


def _stem(word: str) -> str:
    ending = next((one for one in ENDINGS if word.endswith(one) and len(word) - len(one) >= 3), "")
    return word.removesuffix(ending)
