"""Words that turn a task into another one: negations, opposites, names of languages; and words the dictionary lacks."""

import re
from collections import defaultdict
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATIONS = _words("""
    no not non never none nothing nor neither without cannot cant dont doesnt didnt isnt arent wasnt werent wont
    shouldnt mustnt couldnt wouldnt except excluding exclude avoid ignoring ignore unless instead
""")

# In each line a word asks for something else than the words behind another bar.
OPPOSITES = """
    min minimum minimal minimize smallest least lowest shortest narrowest fewest | max maximum maximal maximize largest greatest most highest longest widest biggest
    first earliest initial oldest begin beginning start starting head | last latest final newest end ending tail
    ascending increasing asc upwards upward rising | descending decreasing desc downwards downward falling
    even | odd
    add addition plus increment append insert push enqueue | subtract subtraction minus decrement remove delete pop dequeue
    sum total | product | difference | quotient | average mean | median | mode
    multiply multiplication | divide division
    row rows horizontal horizontally | column columns vertical vertically
    width | height | depth | length
    stack | queue | heap | deque | tree | graph | array | tuple | set | dictionary | hashmap
    left leftmost | right rightmost
    before previous preceding prefix | after next following suffix
    upper uppercase above top over | lower lowercase below bottom under
    true valid success succeed pass | false invalid failure fail
    open enable enabled show visible lock | close disable disabled hide hidden unlock
    read load import input decode decrypt decompress deserialize unpack download | write save export output encode encrypt compress serialize pack upload
    union | intersection
    inner | outer
    inclusive include including | exclusive exclude excluding
    all every each both | any either some | none neither
    recursive recursively recursion | iterative iteratively iteration loop
    public | private | protected
    static | dynamic
    mutable | immutable
    sync synchronous synchronously | async asynchronous asynchronously
    get | set | post | put | patch
    client | server
    local | global
    unique distinct | duplicate duplicated
    positive | negative | zero
    shorter smaller less fewer lower | longer larger greater more higher
    celsius | fahrenheit | kelvin
    seconds second | minutes minute | hours hour | days day | weeks week | months month | years year
    meters metres | feet | inches | miles | kilometers kilometres
    binary | decimal | hexadecimal hex | octal
    vowel vowels | consonant consonants
    prime | composite
    ceil ceiling | floor
    integer integers int | float floats double | string strings | boolean
    with | without
"""  # noqa: E501


def _sides() -> dict[str, set[tuple[int, int]]]:
    """Word → the places where it stands: line, and group within the line."""
    sides: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for number, line in enumerate(OPPOSITES.strip().splitlines()):
        for group, words in enumerate(line.split("|")):
            for word in words.split():
                sides[word].add((number, group))
    return dict(sides)


SIDES = _sides()

LANGUAGES = _words("""
    ada assembly awk bash c c++ c# clojure cobol css csharp cpp dart delphi elixir elm erlang f# fortran golang go
    groovy haskell html java javascript js jsx julia kotlin lisp lua matlab mysql nodejs node ocaml pascal perl php
    postgresql powershell prolog python python2 python3 r racket react ruby rust sass scala scheme shell solidity
    sql sqlite swift typescript ts vb verilog vhdl vue xml yaml zsh angular django flask spring rails laravel numpy
    pandas pytorch tensorflow mongodb redis oracle excel json csv toml
""")

NUMBER_WORDS = _words("""
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion third fourth
    fifth sixth seventh eighth ninth tenth twice
""")

# Words of this field that a dictionary of English lacks; a word that differs from one of them is not a slip of it.
JARGON = _words("""
    api app args async backend boolean bool bytecode changelog checksum codebase config coroutine cron database
    dataframe dataset datetime debug dedupe deque dict endpoint enum filename frontend getter github glob hashmap
    hashtable html http https init int iterable iterator json kwargs lambda linter localhost login logout lookup
    malloc metadata microservice middleware mutex namespace nullable numpy oauth parser pathname pixel plugin
    prepend preprocess refactor regex repo runtime setter sort stdin stdout stderr str struct subarray sublist
    subsequence substring subtree subclass superclass syntax tokenizer tokenize traversal traverse trie tuple tuples
    timestamp timezone typedef unicode url username utf uuid validator varchar vertices vertex websocket whitespace
    workflow
""")

# A word with one of these in front means something else than the word.
TURNING_PREFIXES = ("un", "in", "im", "il", "ir", "non", "dis", "de", "a", "anti", "re", "sub", "super", "multi", "mis")

# Said in a name, the last ones ask for something else too; in a sentence more words would say so.
TOLD_BY_NAMES = frozenset(
    NEGATIONS
    | LANGUAGES
    | NUMBER_WORDS
    | SIDES.keys()
    | _words("""
    asc avg col count decr desc diff div has high incr is large long low mult prepend prev prod short small stop sub
    """)
)
# Within other words some say nothing: compute, evaluate, friend, often, primes, print, submit.
TOLD_WITHIN = TOLD_BY_NAMES - NUMBER_WORDS - _words("ada day elm end int lua prime put sub top")
SHORTEST_WITHIN, LONGEST_WITHIN = 3, max(len(word) for word in TOLD_WITHIN)
NAME_PART = re.compile(r"[^\W\d_]+|\d+")


def opposed(first: str, second: str) -> bool:
    """Whether one word put in the place of the other asks for something else."""
    return any(
        line == other_line and group != other_group
        for line, group in SIDES.get(first, ())
        for other_line, other_group in SIDES.get(second, ())
    )


def turned(first: str, second: str) -> bool:
    """Whether one word is the other with a prefix that changes it: valid, invalid."""
    short, long = sorted((first, second), key=len)
    return long.endswith(short) and long.removesuffix(short) in TURNING_PREFIXES


def is_telling(word: str) -> bool:
    """Whether the word alone can turn a task into another one."""
    return word in NEGATIONS or word in LANGUAGES or word in SIDES


@lru_cache(maxsize=10_000)
def told_by_name(name: str) -> tuple[str, ...]:
    """The numbers in a folded name and its words that turn a task round, in order, also where it joins its words."""
    return tuple(told for part in NAME_PART.findall(name) for told in _told_by_part(part))


def name_may_be(first: str, second: str) -> bool:
    """Whether one folded name in the place of the other asks for the same: no word or prefix turns the task round."""
    if told_by_name(first) != told_by_name(second):
        return False
    return first not in without_prefix(second) and second not in without_prefix(first)


@lru_cache(maxsize=10_000)
def without_prefix(name: str) -> frozenset[str]:
    """The name less a turning prefix before some word of it, in each way there is: unsubscribe_all, subscribe_all."""
    return frozenset(
        name[:place] + name[place + len(prefix) :]
        for prefix in TURNING_PREFIXES
        if prefix in name
        for place in range(len(name) - len(prefix))
        if name.startswith(prefix, place)
    )


def _told_by_part(part: str) -> list[str]:
    if part.isdecimal() or part in TOLD_BY_NAMES:
        return [part]
    last = len(part)
    ends = ((start, range(start + SHORTEST_WITHIN, min(start + LONGEST_WITHIN, last) + 1)) for start in range(last))
    return [part[start:end] for start, some in ends for end in some if part[start:end] in TOLD_WITHIN]
