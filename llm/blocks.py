"""The code blocks of an answer, found with a CommonMark parser and, for Python, in the syntax tree."""

import ast
import builtins
import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass

from markdown_it import MarkdownIt

ALIASES = {
    "py": "python", "py3": "python", "python3": "python", "ipython": "python",
    "js": "javascript", "node": "javascript", "nodejs": "javascript", "jsx": "javascript", "mjs": "javascript",
    "ts": "typescript", "tsx": "typescript",
    "c++": "cpp", "cc": "cpp", "cxx": "cpp", "hpp": "cpp", "c#": "csharp", "cs": "csharp",
    "golang": "go", "rs": "rust", "rb": "ruby", "kt": "kotlin", "pl": "perl", "ps1": "powershell",
    "sh": "bash", "shell": "bash", "zsh": "bash",
    "postgresql": "sql", "mysql": "sql", "sqlite": "sql", "yml": "yaml", "md": "markdown",
    "text": "text", "txt": "text", "plain": "text", "plaintext": "text", "output": "text",
}  # fmt: skip

# Raw HTML is read as text here: a fence right under <details> is still code to run.
PARSER = MarkdownIt("commonmark").disable("html_block")
PARSER.core.ruler.enableOnly(["normalize", "block"])

EVIDENCE = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign
)  # fmt: skip


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block: its language under one name ("" when it has none) and its code."""

    language: str
    code: str


def code_blocks(answer: str) -> list[CodeBlock]:
    """Every fenced block of an answer, in order; one left open runs to the end."""
    return [CodeBlock(_language(token.info), token.content) for token in PARSER.parse(answer) if token.type == "fence"]


def last_code(answer: str, languages: Collection[str] = ("python",)) -> CodeBlock | None:
    """The block that runs: the last one in a supported language; an answer that is bare Python counts as one block."""
    blocks = code_blocks(answer)
    if not blocks and "python" in languages and _is_python(answer):
        return CodeBlock("python", answer)
    for block in reversed(blocks):
        if block.language in languages:
            return block
        if not block.language and "python" in languages and _is_python(block.code):
            return CodeBlock("python", block.code)
    return None


def calls_input(code: str) -> bool:
    """Whether Python code waits for someone to type."""
    tree = _tree(code)
    if tree is None:
        return False
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    # iter(input, "") calls it too.
    called = [name for call in calls for name in (call.func, *_handed_to_iter(call))]
    return any(isinstance(name, ast.Name) and name.id == "input" for name in called) and not _binds_input(tree)


def _language(info: str) -> str:
    """The language of a fence's info string: ```py, ```Python title=x, ```{.python}, ```python:main.py."""
    first = (info.strip().split() or [""])[0]
    word = re.split(r"[:,{}]", first.strip("{}").lstrip("."))[0].lower()
    return ALIASES.get(word, word)


def _is_python(code: str) -> bool:
    """Whether it parses and does something: words such as "Done" or "Note: later" parse as well."""
    tree = _tree(code)
    return tree is not None and any(_does_something(node) for node in ast.walk(tree))


def _does_something(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) or _is_builtin(node.func)
    return isinstance(node, EVIDENCE) or (isinstance(node, ast.AnnAssign) and node.value is not None)


def _is_builtin(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and hasattr(builtins, function.id)


def _tree(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():  # an odd escape in the code is not ours to report
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _handed_to_iter(call: ast.Call) -> list[ast.expr]:
    return call.args[:1] if isinstance(call.func, ast.Name) and call.func.id in ("iter", "map") else []


def _binds_input(tree: ast.Module) -> bool:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == "input":
            return True
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "input" for t in node.targets):
            return True
    return False
