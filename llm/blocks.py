"""The code blocks of an answer, found with a CommonMark parser, and the program among them that is run."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from llm.belonging import Placed, whole_program
from llm.python_code import is_program, is_transcript

ALIASES = {
    "py": "python", "py3": "python", "ipython": "python",
    "js": "javascript", "node": "javascript", "nodejs": "javascript", "jsx": "javascript", "mjs": "javascript",
    "ts": "typescript", "tsx": "typescript",
    "c++": "cpp", "cc": "cpp", "cxx": "cpp", "hpp": "cpp", "c#": "csharp", "cs": "csharp",
    "golang": "go", "rs": "rust", "rb": "ruby", "kt": "kotlin", "pl": "perl", "ps1": "powershell",
    "sh": "bash", "shell": "bash", "zsh": "bash",
    "postgresql": "sql", "mysql": "sql", "sqlite": "sql", "sqlite3": "sql", "yml": "yaml", "md": "markdown",
    "text": "text", "txt": "text", "plain": "text", "plaintext": "text", "output": "text",
}  # fmt: skip

# Raw HTML is read as text here: a fence right under <details> is still code to run.
PARSER = MarkdownIt("commonmark").disable("html_block")
PARSER.core.ruler.enableOnly(["normalize", "block"])

VERSIONED = re.compile(r"^(python|c\+\+|cpp|c|java|php|perl|lua|ruby)-?\d[\d.]*$")
# Beside blocks of these an unlabelled one may be the program; beside any other it is what the program printed.
NO_PROGRAM = {"", "text", "bash", "console", "json", "yaml", "toml", "ini", "markdown", "diff", "csv"}
LINE_END = re.compile(r"\r\n?")
# A fence in a list whose code stands further left than itself: CommonMark ends the list, and the block, there.
INDENTED = re.compile(
    r"^(?P<indent>[ \t]+)(?P<marks>`{3,}|~{3,})(?P<info>[^`\n]*)\n(?P<code>.*?)^[ \t]*(?P=marks)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block: its language under one name ("" when it has none) and its code."""

    language: str
    code: str


def code_blocks(answer: str) -> list[CodeBlock]:
    """Every fenced block of an answer, in order; one left open runs to the end."""
    return [CodeBlock(block.language, block.code) for block in _placed(answer)]


def last_code(answer: str, languages: Collection[str] = ("python",)) -> CodeBlock | None:
    """The program that runs: the last block in a supported language, with the earlier ones it belongs to.

    An answer that is bare Python counts as one block.
    """
    if "python" in languages and is_program(answer):
        return CodeBlock("python", answer)
    blocks = _placed(answer)
    if all(block.language in NO_PROGRAM for block in blocks):
        blocks = [_recognised(block) for block in blocks]
    runnable = [block for block in blocks if block.language in languages and _is_code(block)]
    return CodeBlock(runnable[-1].language, whole_program(runnable)) if runnable else None


def _placed(answer: str) -> list[Placed]:
    answer = LINE_END.sub("\n", answer)
    tokens = _fences(answer)
    if any(token.level and not _is_closed(token, answer) for token in tokens):
        answer = INDENTED.sub(_moved_left, answer)
        tokens = _fences(answer)
    lines = answer.split("\n")
    return [Placed(_language(token.info), token.content, _line_before(token, lines)) for token in tokens]


def _fences(answer: str) -> list[Token]:
    return [token for token in PARSER.parse(answer) if token.type == "fence"]


def _is_closed(token: Token, answer: str) -> bool:
    last_line = answer.split("\n")[_lines(token)[1] - 1]
    return last_line.strip().startswith(token.markup) and _lines(token)[1] - _lines(token)[0] > 1


def _moved_left(match: re.Match[str]) -> str:
    lines = [line for line in match["code"].split("\n") if line.strip()]
    if all(line.startswith(match["indent"]) for line in lines):
        return match[0]
    return f"{match['marks']}{match['info']}\n{match['code']}{match['marks']}"


def _line_before(token: Token, lines: Sequence[str]) -> str:
    above = [line for line in lines[: _lines(token)[0]] if line.strip()]
    return above[-1] if above else ""


def _lines(token: Token) -> list[int]:
    """From and to which line it goes; the parser gives this for every block."""
    return token.map or [0, 0]


def _recognised(block: Placed) -> Placed:
    """An unlabelled block of Python under its language."""
    if block.language or not is_program(block.code):
        return block
    return Placed("python", block.code, block.before)


def _is_code(block: Placed) -> bool:
    """Whether there is something to run: models label what a program showed with its language too."""
    return bool(block.code.strip()) and not (block.language == "python" and is_transcript(block.code))


def _language(info: str) -> str:
    """The language of a fence's info string: ```py, ```Python title=x, ```{.python}, ```python:main.py, ```c++17."""
    first = (info.strip().split() or [""])[0]
    word = re.split(r"[:,{}]", first.strip("{}").lstrip("."))[0].lower().removeprefix("language-")
    word = VERSIONED.sub(r"\1", word)
    return ALIASES.get(word, word)
