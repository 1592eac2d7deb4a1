"""Read a model's reply strictly: a score, a JSON object. What is not clearly there is BadReply, never a guess."""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, NoReturn

from llm.blocks import CodeBlock, code_blocks, last_code
from llm.python_code import calls_input

__all__ = ["BadReply", "CodeBlock", "ScoreRead", "calls_input", "code_blocks", "last_code", "read_json", "read_score"]

Order = Literal["score_first", "reason_first"]

FULL_WIDTH = str.maketrans("０１２３４５６７８９：／．", "0123456789:/.")
QUOTE_OR_BULLET = re.compile(r"^\s*[>•-]\s+")
MARKS = r"[*_`\#\[\]]*+"  # emphasis, headings, brackets
OPENING = r"[*_`\#\[\]\s]*+"
LABEL = r"""(?i:(?:(?:the|my|final|overall|difficulty|complexity)\s+)*(?:score|rating|level|difficulty|complexity)
    (?:\s*\(?1\s*(?:-|–|to)\s*5\)?)? \s*(?:[:=]|is\b|of\b|would\s+be\b)?
    |(?:Bewertung|Punktzahl|Note|Niveau|Puntuación|Nivel|Оценка|评分|得分|分数|難易度|スコア|評価|점수)\s*[:=：]?)"""
# The number stands for itself: not 4.5, 5/7, 4½, 4-5, 4%, 4+, "4 or 5", "4 to 5", "4 and a half".
NUMBER = rf"""(?P<score>[0-9]++) {MARKS} (?:\s*(?:/|out\s+of)\s*5(?![0-9]|[.,][0-9]))? {MARKS}
    (?![½¼¾⅓⅔%+]|\s*(?:[.,/~–—-]|and|through|vs\.?|&)\s*[0-9]|\s+(?:or|to)\b|\s+(?:and\s+)?an?\s+half)"""
# What may follow on the line: nothing, a sign, a capital (the level's name), or a reason. Not "2 loops are needed".
TAIL = r"(?P<rest>|\s*[.,:;)–—·|(-].*|\s+(?:[A-Z]|(?:because|since|as|for|due|given)\b).*)"
# At the end of an argument a bare digit is followed by its level's name at most: "3. Then it returns" is a list.
LEVEL_NAME = r"(?P<rest>[.)]?|\s*[:·(–—-]?\s*[A-Z][A-Za-z ]{2,24}\)?\.?)"
LABELLED = re.compile(rf"{OPENING}{LABEL}{OPENING}{NUMBER}{TAIL}", re.X)
BARE_FIRST = re.compile(rf"{OPENING}{NUMBER}{TAIL}", re.X)
BARE_LAST = re.compile(rf"{OPENING}{NUMBER}{LEVEL_NAME}", re.X)

HEDGED = re.compile(r"(?i)\b(?:maybe|perhaps|possibly|could\s+be|or\s+even|almost|nearly)\s+(?:an?\s+)?[1-5]\b")
ANOTHER = re.compile(
    rf"(?i){MARKS}(?:(?:final|overall)\s+)?(?:(?:score|rating)\s*[:=]\s*{MARKS}\s*([0-9]+)\b|([0-9]+){MARKS}$)"
)
LIST_ITEM = re.compile(r"([0-9]+)[.)]\s")

SCORE_KEYS = ("score", "rating", "level")
SCORE_IN_JSON = re.compile(rf'"(?:{"|".join(SCORE_KEYS)})"\s*:\s*"?\s*([1-5１-５])')
REASON_KEYS = ("explanation", "reason", "reasoning", "rationale", "justification")


class BadReply(ValueError):
    """A reply that does not say clearly what was asked."""


class ScoreRead(NamedTuple):
    """A score 1–5, its explanation, and the place of its digit in the reply."""

    value: int
    explanation: str
    place: int | None


def read_score(text: str, order: Order) -> ScoreRead:
    """The score and the explanation of a judge's reply."""
    if text.strip().startswith(("{", "```")):
        return ScoreRead(*_score_in(read_json(text, {})), _place_in_json(text))
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadReply("the reply is empty")
    line = lines.pop(0 if order == "score_first" else -1)
    start = text.find(line) if order == "score_first" else text.rfind(line)
    if line.lstrip().startswith("{"):
        score, reason = _score_in(read_json(line, {}))
        return ScoreRead(score, reason or _joined(lines), _place_in_json(text, start))
    plain = _plain(line)
    match = _score_on(plain, order)
    score, rest = _in_range(match["score"]), match["rest"]
    _refuse_another(score, rest, lines, order)
    place = start + line.translate(FULL_WIDTH).rfind(plain) + match.start("score")
    return ScoreRead(score, _joined([rest.lstrip(" \t-–—:;.,)(·|"), *lines]), place)


def read_json(text: str, required: Mapping[str, type]) -> dict[str, Any]:
    """The one JSON object of a reply, bare or in a fence, with the required fields in their types."""
    try:
        # strict=False lets a line break stand in a string: what is meant is plain.
        record = json.loads(
            _json_text(text), strict=False, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant
        )
        json.dumps(record, ensure_ascii=False).encode()
    except BadReply:
        raise
    except (ValueError, RecursionError) as error:
        raise BadReply(f"no JSON object in {text[:80]!r}: {error}") from None
    if not isinstance(record, dict):
        raise BadReply(f"JSON, but no object: {text[:80]!r}")
    for name, kind in required.items():
        value = record.get(name)
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise BadReply(f"{name} should be {kind.__name__}, is {value!r:.80}")
    return record


def _plain(line: str) -> str:
    return QUOTE_OR_BULLET.sub("", line.translate(FULL_WIDTH)).strip()


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip()


def _score_on(line: str, order: Order) -> re.Match[str]:
    bare = BARE_FIRST if order == "score_first" else BARE_LAST
    match = LABELLED.fullmatch(line) or bare.fullmatch(line)
    if match is None:
        place = "start" if order == "score_first" else "end"
        raise BadReply(f"no single score 1-5 at the {place}: {line[:80]!r}")
    return match


def _place_in_json(text: str, start: int = 0) -> int | None:
    found = SCORE_IN_JSON.search(text, start)
    return found.start(1) if found else None


def _in_range(digits: str) -> int:
    if digits not in ("1", "2", "3", "4", "5"):
        raise BadReply(f"score {digits[:20]} is not within 1-5")
    return int(digits)


def _refuse_another(score: int, rest: str, others: list[str], order: Order) -> None:
    if HEDGED.search(rest):
        raise BadReply(f"two scores: {score} and {rest[:80]!r}")
    for line in map(_plain, others):
        match = ANOTHER.match(line)
        if match and (match[1] or match[2]) != str(score):
            raise BadReply(f"two scores: {score} and {line[:80]!r}")
        item = LIST_ITEM.match(line)
        if order == "score_first" and rest.startswith((".", ")")) and item and item[1] == str(score + 1):
            raise BadReply(f"a numbered list, no score: {line[:80]!r}")


def _score_in(record: dict[str, Any]) -> tuple[int, str]:
    found = [record[key] for key in SCORE_KEYS if key in record]
    if len(found) != 1 or isinstance(found[0], bool) or not isinstance(found[0], int | str):
        raise BadReply(f"no single whole score in {record!r:.80}")
    reasons = [record[key] for key in REASON_KEYS if isinstance(record.get(key), str)]
    return _in_range(str(found[0]).translate(FULL_WIDTH).strip()), reasons[0].strip() if reasons else ""


def _json_text(text: str) -> str:
    if text.strip().startswith("{"):
        return text
    blocks = [block.code for block in code_blocks(text) if block.language in ("json", "")]
    if len(blocks) != 1:
        raise BadReply(f"no single JSON object in {text[:80]!r}")
    return blocks[0]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise BadReply(f"a field stands twice in JSON: {', '.join(name for name, _ in pairs)}")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise BadReply(f"{name} is no JSON")
