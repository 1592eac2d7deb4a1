"""Python functions as they are beneath their names, comments and lay-out."""

import ast
import builtins
import keyword
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

# A `def` with all lines that stand further right, and a closing bracket of its own in line with it.
FUNCTION = re.compile(r"^([ \t]*)def[ \t]+\w+[^\n]*\n(?:(?:\1[ \t]+[^\n]*|[ \t]*|\1\)[^\n]*)(?:\n|\Z))*", re.MULTILINE)
NOT_CODE = re.compile(r"\"\"\".*?\"\"\"|'''.*?'''|#[^\n]*", re.DOTALL)
KEYWORD = re.compile(r"\b(?:" + "|".join(sorted(keyword.kwlist)) + r")\b")
BUILT_IN = frozenset(dir(builtins))

Outline = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A function with its names numbered; equal for two that differ in nothing but names, comments and lay-out."""

    text: str
    size: int


def functions_in(text: str) -> Iterator[str]:
    """The source of each function in a text, whatever stands around it."""
    if "def " not in text:
        return
    for found in FUNCTION.finditer(text.replace("\r\n", "\n")):
        yield found[0]


def outline_of(function: str) -> Outline:
    """The keywords of a function in their order: cheap to find, and the same after renaming."""
    return tuple(KEYWORD.findall(NOT_CODE.sub("", function)))


def shape_of(function: str) -> Shape | None:
    """The shape of one function; None when it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(textwrap.dedent(function.expandtabs()))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    first = tree.body[0] if tree.body else None
    return _numbered(first) if isinstance(first, ast.FunctionDef) else None


def _numbered(function: ast.FunctionDef) -> Shape:
    numbers: dict[str, str] = {}
    nodes = [node for statement in _without_docstring(function.body) for node in ast.walk(statement)]
    for argument in function.args.args:
        if argument.arg != "self":
            _number(argument.arg, numbers)
    for node in nodes:
        if isinstance(node, ast.Name) and node.id not in BUILT_IN:
            node.id = _number(node.id, numbers)
        elif isinstance(node, ast.arg):
            node.arg, node.annotation = _number(node.arg, numbers), None
        elif isinstance(node, ast.FunctionDef):
            node.name, node.returns = _number(node.name, numbers), None
    body = " ".join(map(ast.dump, _without_docstring(function.body)))
    return Shape(f"{len(numbers)} {body}", len(nodes))


def _number(name: str, numbers: dict[str, str]) -> str:
    return numbers.setdefault(name, f"n{len(numbers)}")


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Also without what does nothing: a bare constant."""
    return [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
