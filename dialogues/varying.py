"""Whether two outputs of one program differ only in what changes by nature: the natural parts masked, the rest equal.

A time, a duration or an address is known by its form, in code that asks for one. An order or a draw is known by being
seen to vary: where runs of today agree with one another, the stored output has to agree with them.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import zip_longest

from dialogues.causes import Nature, natures_of

# How often a program is run again to see what varies, at least and at most.
FEWEST_RUNS, MOST_RUNS = 4, 12
STOPPED = {"timeout", "out_of_memory", "output_limit"}
LEFT_OUT = re.compile(r"\n\.\.\.\(\d+ bytes left out\)\.\.\.\n")
BETWEEN_STREAMS = "\x1e"

# Where programs and their libraries, stacks and heaps lie on 64-bit machines; Go's heap begins at 0xc000000000.
ADDRESS = re.compile(r"\b0x0{0,4}(?:7[ef]|5[56]|aaaa|ffff)[0-9a-f]{8,10}\b|\b0xc[0-9a-f]{9}\b", re.IGNORECASE)
ADDRESS_IN_TEN = re.compile(r"\b(?:1(?:39|40)\d{12}|9[3-5]\d{12})\b")
IDENTITY = re.compile(r"(?<=[\w;]@)[0-9a-f]{4,8}\b")  # java.lang.Object@1b6d3586
NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
UNIT = r"(?:[mnuµμ]?s|secs?|seconds?|milliseconds?|microseconds?|nanoseconds?)"
WITH_UNIT = re.compile(rf" *\b{NUMBER}(?=\s?{UNIT}\b)|\b0:00:\d\d\.\d+")
DECIMAL = re.compile(r" *\b\d+\.\d+(?:e[+-]?\d+)?\b")
TELLS_A_DURATION = re.compile(r"\b(?:time|took|elapsed|duration|runtime|seconds|faster|slower)\b", re.IGNORECASE)
CLOCK_TIME = re.compile(r"(?<![\d:+-])(\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\b(?: ?[AP]M\b)?")
EPOCH = re.compile(r"\b(\d{10})(?:\d{9}|\d{6}|\d{3})?(?:\.\d+)?\b")
DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%-m/%-d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y",
    "%Y%m%d", "%B %d, %Y", "%B %-d, %Y", "%d %B %Y", "%-d %B %Y", "%b %d, %Y", "%d %b %Y", "%a %b %e", "%a %b %d",
)  # fmt: skip
DAY_NAME = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? (?=‹)")
# A clock is tied to the run: so much before or after it, in whatever zone.
CLOCK_SLACK_S, ZONE_STEP_S = 120, 1800
DAY_S = 86_400

ORDERS = (Nature.SET_ORDER, Nature.MAP_ORDER, Nature.THREAD_ORDER)
DRAWS = (Nature.RANDOM, Nature.HASH, Nature.PROCESS, Nature.TEMPORARY)
TOKEN = re.compile(r"\w+|[^\w\s]")
NUMBER_IN_WORD = re.compile(rf"-?{NUMBER}")
BRACKETS_AND_MARKS = "[](){}'\",.:;!?"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run of a program showed, and when."""

    status: str
    exit_code: int | None
    stdout: str
    stderr: str
    at: datetime

    @property
    def text(self) -> str:
        return f"{self.stdout}\n{BETWEEN_STREAMS}\n{self.stderr}"


def natural_changes(code: str, language: str, stood: Seen, now: Seen, again: Callable[[], Seen]) -> list[Nature]:
    """Why the program shows something else now, when that is its nature; empty when it is a real change."""
    if (stood.status, stood.exit_code) != (now.status, now.exit_code):
        return []
    able = natures_of(code, language)
    before, after = _masked(stood, now, able), _masked(now, stood, able)
    forms = _forms(stood, now, able)
    if before == after:
        return forms
    if now.status in STOPPED:
        return [*forms, Nature.REACH] if _one_goes_further(before, after) else []
    seen = _seen_to_vary(code, able, before, after, lambda: _masked(again(), stood, able))
    return [*forms, *seen] if seen else []


def _forms(stood: Seen, now: Seen, able: Collection[Nature]) -> list[Nature]:
    """The natures whose masks make lines equal that are not."""

    def differing(but: Nature | None = None) -> int:
        lines = (_masked(*pair, able, but).split("\n") for pair in ((stood, now), (now, stood)))
        return sum(one != other for one, other in zip_longest(*lines))

    return [nature for nature in MASKS if differing(but=nature) > differing()]


def _seen_to_vary(code: str, able: Collection[Nature], stood: str, now: str, again: Callable[[], str]) -> list[Nature]:
    """Run it until what differs has been seen to differ between runs of today, or long enough."""
    orders, draws = ([nature for nature in kind if nature in able] for kind in (ORDERS, DRAWS))
    lines, runs = stood.split("\n"), [now.split("\n")]
    while (orders or draws) and len(runs) < MOST_RUNS:
        runs.append(again().split("\n"))
        if len(runs) < FEWEST_RUNS or not _agrees(lines, runs):
            continue
        if orders and _is_reordered(lines, runs):
            return orders
        if draws and _is_drawn(code, lines, runs):
            return draws
    return []


def _masked(seen: Seen, other: Seen, able: Collection[Nature], but: Nature | None = None) -> str:
    text = seen.text
    for nature, mask in MASKS.items():
        if nature != but:
            text = mask(text, other.text, seen.at, nature in able)
    return text


def _mask_addresses(text: str, other: str, at: datetime, able: bool) -> str:
    """An address is known by where it lies; as a decimal number only in code that asks for it."""
    text = IDENTITY.sub("‹address›", ADDRESS.sub("‹address›", text))
    return ADDRESS_IN_TEN.sub("‹address›", text) if able else text


def _mask_times(text: str, other: str, at: datetime, able: bool) -> str:
    """Only dates and times of the run itself: another day's date, or one that both runs show as often, is a result.

    (So a program that shows two times, run again so soon that the later is the earlier now, is taken for changed.)
    """
    if not able:
        return text
    for pattern, name, is_of_run in (
        (_days_around(at.strftime("%Y-%m-%d")), "‹date›", lambda match: True),
        (CLOCK_TIME, "‹time›", lambda match: _is_clock_of(match, at)),
        (EPOCH, "‹time›", lambda match: abs(int(match[1]) - at.timestamp()) < DAY_S),
    ):
        as_often = _shown_as_often(pattern, text, other)
        text = pattern.sub(_unless(as_often, is_of_run, name), text)
    return DAY_NAME.sub("", text)


def _shown_as_often(pattern: re.Pattern[str], text: str, other: str) -> set[str]:
    here, there = (Counter(match[0] for match in pattern.finditer(one)) for one in (text, other))
    return {shown for shown, times in here.items() if there[shown] == times}


def _unless(
    kept: Collection[str], is_of_run: Callable[[re.Match[str]], bool], name: str
) -> Callable[[re.Match[str]], str]:
    return lambda match: name if match[0] not in kept and is_of_run(match) else match[0]


@lru_cache(maxsize=8)
def _days_around(day: str) -> re.Pattern[str]:
    """The day before, the day and the day after in the usual ways of writing: zones lie on both sides of ours."""
    days = [datetime.fromisoformat(day) + timedelta(days=shift) for shift in (-1, 0, 1)]
    written = {re.escape(one.strftime(way)) for one in days for way in DAYS}
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(written, key=len, reverse=True))})(?![^\WT_]|\.\d)")


def _is_clock_of(match: re.Match[str], at: datetime) -> bool:
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    shown = hours * 3600 + minutes * 60 + seconds
    ran = at.hour * 3600 + at.minute * 60 + at.second
    return (shown - ran + CLOCK_SLACK_S) % ZONE_STEP_S <= 2 * CLOCK_SLACK_S


def _mask_durations(text: str, other: str, at: datetime, able: bool) -> str:
    return "\n".join(map(_mask_duration, text.split("\n"))) if able else text


def _mask_duration(line: str) -> str:
    line = WITH_UNIT.sub("‹duration›", line)
    return DECIMAL.sub("‹duration›", line) if TELLS_A_DURATION.search(line) else line


MASKS: dict[Nature, Callable[[str, str, datetime, bool], str]] = {
    Nature.ADDRESS: _mask_addresses,
    Nature.TIME: _mask_times,
    Nature.DURATION: _mask_durations,
}


def _one_goes_further(stood: str, now: str) -> bool:
    """Whether one is the beginning of the other, in both streams, as far as both were kept."""
    streams = zip(stood.split(BETWEEN_STREAMS), now.split(BETWEEN_STREAMS), strict=True)
    for pair in streams:
        shorter, longer = sorted((LEFT_OUT.split(stream)[0].rstrip("\n") for stream in pair), key=len)
        if not longer.startswith(shorter):
            return False
    return True


def _agrees(stood: Sequence[str], runs: Sequence[Sequence[str]]) -> bool:
    """Whether the stored lines are those of today's runs wherever these agree."""
    if any(len(run) != len(stood) for run in runs):
        return False
    return all(
        len({*lines}) > 1 or lines[0] == line for line, lines in zip(stood, zip(*runs, strict=True), strict=True)
    )


def _varying(runs: Sequence[Sequence[str]]) -> list[int]:
    return [number for number, lines in enumerate(zip(*runs, strict=True)) if len({*lines}) > 1]


def _is_reordered(stood: Sequence[str], runs: Sequence[Sequence[str]]) -> bool:
    """Whether the lines that vary hold the same things, in another order."""
    varying = _varying(runs)
    things = [Counter(_things(lines[number] for number in varying)) for lines in (stood, *runs)]
    return all(one == things[0] for one in things)


def _things(lines: Iterator[str]) -> Iterator[str]:
    """The words and signs of some lines; a word is known by its letters, since ''.join(set(…)) shuffles them."""
    for line in lines:
        for token in TOKEN.findall(line):
            yield token if token.isdigit() else "".join(sorted(token))


def _is_drawn(code: str, stood: Sequence[str], runs: Sequence[Sequence[str]]) -> bool:
    """Whether the lines that vary have the same words in the same places, but for the words that vary."""
    return all(
        _could_be_drawn(code, stood[number].split(), [run[number].split() for run in runs]) for number in _varying(runs)
    )


def _could_be_drawn(code: str, stood: Sequence[str], drawn: Sequence[Sequence[str]]) -> bool:
    if any(len(words) != len(stood) for words in drawn):
        return False
    return all(_is_one_of(code, word, seen) for word, seen in zip(stood, zip(*drawn, strict=True), strict=True))


def _is_one_of(code: str, word: str, seen: Sequence[str]) -> bool:
    """A word that was seen; another number where numbers vary; a word of the code; any where each is new."""
    if word in seen or len({*seen}) == 1:
        return word in seen
    shapes = {NUMBER_IN_WORD.sub("#", one) for one in (word, *seen)}
    if len(shapes) == 1 and "#" in shapes.pop():
        return True
    all_new = len({*seen}) == len(seen) == MOST_RUNS
    return all_new or word.strip(BRACKETS_AND_MARKS) in code
