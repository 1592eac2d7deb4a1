"""The demo model as a judge: a rule over the words of a query gives a level on either of two scales.

The scales weigh the same cues differently, so that they truly disagree at times.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from llm.demo_bank import Bank
from llm.demo_conversation import Messages, between, last_user_text, outside

LEVELS = {
    "A": ("Very Basic", "Basic", "Intermediate", "Difficult", "Very Difficult"),
    "B": ("Moderately Difficult", "Challenging", "Highly Challenging", "Advanced", "Expert Level"),
}
# The beginnings of words and phrases; one that ends in a blank is the whole word.
CUES = {
    "concurrency": "thread|async|concurren|parallel|deadlock|race condition|semaphore|mutex|lock free|producer"
    "|worker pool|goroutine|channel",
    "algorithms": "dynamic programming|shortest path|dijkstra|topological|backtrack|graph|recursi|subsequence"
    "|permutation|combination|knapsack|binary search|minimum cost|minimum number|maximum sum|maximum number"
    "|maximum profit|subarray|spanning|matrix|matrices|prime|palindrom|interval|merge",
    "data structures": "tree|binary tree|heap|trie|linked list|priority queue|hash map|hash table|stack |queue |deque"
    "|disjoint|union find|cache|index ",
    "optimisation": "optimi|efficien|complexity|o(|log n|memory|performance|latency|throughput|large input|large file"
    "|large data|10^|100 000|million",
    "systems": "parser|tokeni|compiler|interpreter|scheduler|protocol|encrypt|transaction|distributed|server|socket"
    "|database|simulat|rate limit|state machine|rollback|undo |serializ|plugin|machine learning|neural|classifier|api ",
    "constraints": "must |without using|without the|without any|at most|at least|constraint|only |no more than|exactly"
    "|ensure|not allowed|edge case|handle",
    "everyday tasks": "hello world|simple|basic|print the|sum of two|sum of all|sum of the|average|even or odd"
    "|reverse a string|reverse the string|beginner|convert|count the|largest of|largest number|celsius|factorial"
    "|swap|list comprehension|add two",
}
PHRASES = {cue: phrases.split("|") for cue, phrases in CUES.items()}
WORD = re.compile(r"[a-z0-9^(]+")
SENTENCE = re.compile(r"[.!?](?:\s|$)|\n\s*(?:[-*•]|\d+[.)])\s")
CODE = re.compile(r"```|^\s*(?:def|class|import|function|public|#include|SELECT)\b", re.MULTILINE)


def _search_for(phrases: Iterable[str]) -> re.Pattern[str]:
    """One search that finds every phrase where a word begins; by first letter, since a long alternation is slow."""
    by_letter = groupby(sorted(phrases), key=lambda phrase: phrase[0])
    ways = [f"{re.escape(letter)}(?:{'|'.join(re.escape(one[1:]) for one in group)})" for letter, group in by_letter]
    return re.compile(f" (?=({'|'.join(ways)}))")


# No phrase is the beginning of another, so at each place there is one to find at most.
ANY_PHRASE = _search_for(phrase for phrases in PHRASES.values() for phrase in phrases)


@dataclass(frozen=True)
class Scale:
    """How one template's judge weighs. Scale A looks at the ideas a query names, scale B at what it demands."""

    start: float
    weights: Mapping[str, float]
    # Two judges never weigh a text quite alike: a part of the level that only the text's hash decides.
    whim: float


SCALES = {
    "A": Scale(2.5, {"concurrency": 0.9, "algorithms": 0.62, "data structures": 0.45, "optimisation": 0.35,
                     "systems": 0.6, "constraints": 0.2, "everyday tasks": -0.45,
                     "length": 0.35, "requirements": 0.35, "code": 0.15}, whim=0.45),
    "B": Scale(2.0, {"concurrency": 0.6, "algorithms": 0.35, "data structures": 0.25, "optimisation": 0.8,
                     "systems": 0.4, "constraints": 0.5, "everyday tasks": -0.35,
                     "length": 0.45, "requirements": 0.35, "code": -0.1}, whim=0.9),
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """A judge's reply; `place` is where its score stands in the text, if it holds one; `leaning` is the level before
    rounding."""

    text: str
    place: int | None
    leaning: float


def judge(messages: Messages, bank: Bank) -> Judgement:
    """Answer a scoring prompt, or the reminder after one."""
    prompt = last_user_text(messages, holding="<query>")
    query = between(prompt, "query") or prompt
    asked = outside(prompt, "query")
    scale = "B" if LEVELS["B"][0] in asked else "A"
    leaning, reason = weigh(query, scale, bank)
    score = level_of(leaning)
    if last_user_text(messages) != prompt:
        return Judgement(str(score), 0, leaning)
    if _hash(query, "unclear" + scale)[0] < 4:  # 1.6 %
        return Judgement(f"This is somewhere between {score - 1 or 1} and {max(score, 2)}. {reason}", None, leaning)
    if "last line" in asked.lower():
        text = f"{reason}\n\nScore: {score}"
        return Judgement(text, len(text) - 1, leaning)
    return Judgement(f"{score}\n\n{reason}", 0, leaning)


def weigh(query: str, scale: str, bank: Bank) -> tuple[float, str]:
    """The unrounded level of a query on a scale, and what it came from."""
    hits = set(ANY_PHRASE.findall(f" {' '.join(WORD.findall(query.lower()))} "))
    found = {cue: [phrase.strip() for phrase in phrases if phrase in hits] for cue, phrases in PHRASES.items()}
    words, sentences = len(query.split()), max(1, len(SENTENCE.findall(query)))
    amounts = {cue: math.sqrt(min(3, len(hits))) for cue, hits in found.items()}
    amounts["length"] = _within(math.log2(max(words, 1) / 40), -2, 2)
    amounts["requirements"] = _within(math.log2(sentences / 3), -0.6, 2)
    amounts["code"] = float(CODE.search(query) is not None)
    rule = SCALES[scale]
    leaning = rule.start + sum(rule.weights[cue] * amount for cue, amount in amounts.items())
    leaning += rule.whim * _whim(query, scale)
    problem = bank.find(query)
    if problem is not None:
        # The bank's own level is the level on scale A; scale B asks for more, never for less.
        leaning = _within(leaning, problem.level - (2 if scale == "B" else 0.3), problem.level + 0.3)
    return leaning, _reason(level_of(leaning), scale, found, words, sentences)


def level_of(leaning: float) -> int:
    return int(_within(math.floor(leaning + 0.5), 1, 5))


def _reason(level: int, scale: str, found: Mapping[str, list[str]], words: int, sentences: int) -> str:
    cues = [f"{cue} ({', '.join(hits[:3])})" for cue, hits in found.items() if hits]
    named = f"It touches {'; '.join(cues)}" if cues else "It names no special technique"
    size = f"{words} words in {sentences} {'sentence' if sentences == 1 else 'sentences'}"
    return f"{LEVELS[scale][level - 1]}. {named}, and states its wish in {size}."


def _within(value: float, least: float, most: float) -> float:
    return max(least, min(most, value))


def _hash(text: str, salt: str) -> bytes:
    return hashlib.sha256((salt + text).encode("utf-8", "surrogatepass")).digest()


def _whim(text: str, salt: str) -> float:
    """A number about 0 with deviation 0.7 that depends on the text alone: the sum of six even draws, less its mean."""
    return sum(_hash(text, salt)[:6]) / 255 - 3
