"""What the syntax tree says of Python code: is it a program, does it wait for input, which names it needs."""

import ast
import builtins
import symtable
import warnings
from dataclasses import dataclass, field

EVIDENCE = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign
)  # fmt: skip
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
PROMPT = ">>>"
BUILTIN_NAMES = frozenset(dir(builtins))
# Whoever puts something in the place of one of these waits for nobody.
TYPING = ("builtins.input", "sys.stdin")


@dataclass(frozen=True, slots=True)
class Names:
    """The names a program binds at its top, and those it uses without binding them."""

    bound: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)


def is_program(code: str) -> bool:
    """Whether it parses and does something: words such as "Done" or "Note: later" parse as well."""
    tree = _tree(code)
    return tree is not None and any(_does_something(node) for node in ast.walk(tree))


def is_transcript(code: str) -> bool:
    """Whether this is a session with its answers, or a bare value: what a program showed, and not one."""
    if code.lstrip().startswith(PROMPT):
        return True
    tree = _tree(code)
    return tree is not None and all(_is_value(statement) for statement in tree.body)


def calls_input(code: str) -> bool:
    """Whether the code waits for someone to type."""
    tree = _tree(code)
    if tree is None or _replaces_input(tree):
        return False
    return any(_reads_typing(call) for call in _calls_outside_of_shadows(tree))


def names_of(code: str) -> Names | None:
    """The names of a program; None when it does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            top = symtable.symtable(code, "code", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = Names()
    _collect(top, names)
    return Names(names.bound, names.needed - names.bound - BUILTIN_NAMES)


def _tree(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():  # an odd escape in the code is not ours to report
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _does_something(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) or _is_builtin(node.func)
    return isinstance(node, EVIDENCE) or (isinstance(node, ast.AnnAssign) and node.value is not None)


def _is_builtin(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id in BUILTIN_NAMES


def _is_value(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Expr):
        return False
    return not any(isinstance(node, ast.Call | ast.Await | ast.Yield) for node in ast.walk(statement))


def _calls_outside_of_shadows(tree: ast.AST) -> list[ast.Call]:
    """The calls, without those in functions that call a parameter or a variable of their own `input`."""
    found, nodes = [], [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, FUNCTIONS) and "input" in _own_names(node):
            continue
        if isinstance(node, ast.Call):
            found.append(node)
        nodes.extend(ast.iter_child_nodes(node))
    return found


def _own_names(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    inside = [node for node in ast.walk(function) if node is not function]
    assigned = {node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    parameters = {node.arg for node in inside if isinstance(node, ast.arg)}
    return assigned | parameters | {node.name for node in inside if isinstance(node, ast.FunctionDef)}


def _reads_typing(call: ast.Call) -> bool:
    # iter(input, "") calls it too.
    handed_on = call.args[:1] if isinstance(call.func, ast.Name) and call.func.id in ("iter", "map") else []
    return any(ast.unparse(name) in ("input", "builtins.input") for name in (call.func, *handed_on))


def _replaces_input(tree: ast.Module) -> bool:
    return any(_binds_input(statement) for statement in tree.body) or any(_mocks(node) for node in ast.walk(tree))


def _binds_input(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name == "input"
    if isinstance(statement, ast.ImportFrom):
        return any((alias.asname or alias.name) == "input" for alias in statement.names)
    return isinstance(statement, ast.Assign) and "input" in map(ast.unparse, statement.targets)


def _mocks(node: ast.AST) -> bool:
    """patch("builtins.input"), builtins.input = …, sys.stdin = …"""
    if isinstance(node, ast.Assign):
        return any(ast.unparse(target) in TYPING for target in node.targets)
    return isinstance(node, ast.Call) and any(isinstance(a, ast.Constant) and a.value in TYPING for a in node.args)


def _collect(scope: symtable.SymbolTable, names: Names) -> None:
    top = scope.get_type() == "module"
    for symbol in scope.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            names.needed.add(symbol.get_name())
        binds = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
        if binds and (top or symbol.is_declared_global()):
            names.bound.add(symbol.get_name())
    for inner in scope.get_children():
        _collect(inner, names)
