"""Programming languages under one name each: what the source says, else the fence of the answer, else unknown ("")."""

import re

from llm.blocks import ALIASES

KNOWN = {
    "python", "javascript", "typescript", "java", "c", "cpp", "csharp", "go", "rust", "ruby", "php", "swift",
    "kotlin", "scala", "r", "perl", "lua", "haskell", "elixir", "erlang", "clojure", "fsharp", "ocaml", "dart",
    "julia", "matlab", "fortran", "cobol", "pascal", "delphi", "ada", "lisp", "scheme", "prolog", "groovy",
    "objectivec", "vb", "vba", "assembly", "solidity", "verilog", "vhdl", "coffeescript", "bash", "powershell", "sql",
    "html", "css", "scss", "latex", "applescript", "awk",
}  # fmt: skip
OTHER_NAMES = {
    "c#": "csharp",
    "f#": "fsharp",
    "objective-c": "objectivec",
    "objc": "objectivec",
    "visual basic": "vb",
    "vb.net": "vb",
    "vbnet": "vb",
    "asm": "assembly",
    "hs": "haskell",
    "ex": "elixir",
    "jl": "julia",
    "tex": "latex",
    "python2": "python",
    "html5": "html",
    "t-sql": "sql",
    "tsql": "sql",
    "plsql": "sql",
}
FENCE = re.compile(r"^[ \t]*(?:```|~~~)[`~]*[ \t]*([A-Za-z][\w#+.-]*)", re.MULTILINE)


def canonical(name: str) -> str:
    """The language under its one name; "" for a name that is no programming language we know."""
    lowered = name.strip().lower()
    known = OTHER_NAMES.get(lowered) or ALIASES.get(lowered, lowered)
    return known if known in KNOWN else ""


def language_of(stated: str, response: str) -> str:
    """The stated language when it is known, else that of the answer's first fence that names one."""
    if stated and (language := canonical(stated)):
        return language
    for fence in FENCE.finditer(response):
        if language := canonical(fence.group(1)):
            return language
    return ""
