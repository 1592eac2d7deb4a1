"""`python -m sandbox`: shows whether the sandbox of this machine holds, and serves it to workers elsewhere."""

import argparse
import asyncio
import logging
import os
import sys

from .hosts import languages
from .remote import RunnerFailed
from .results import MEBIBYTE
from .selftest import report
from .serving import Terms, serve

SHORTEST_TOKEN = 16
BAD_INPUT = 2


def main(arguments: list[str]) -> int:
    """Do what the command line says; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Runs code nobody trusts.",
        epilog="example: SANDBOX=bubblewrap python -m sandbox selftest",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("selftest", help="run a program and six quick attacks and print a table")
    commands.add_parser("languages", help="list the languages that can be run, with versions")
    _add_serve(commands)
    options = parser.parse_args(arguments)
    return {"selftest": _selftest, "languages": _languages, "serve": _serve}[options.command](options)


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serving = commands.add_parser(
        "serve",
        help="run programs for workers on other machines",
        epilog="example: SANDBOX_TOKEN=$(openssl rand -hex 32) python -m sandbox serve --host 0.0.0.0",
    )
    serving.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: this machine only")
    serving.add_argument("--port", type=int, default=8200, help="default 8200; 0 takes a free one")
    serving.add_argument("--token-env", default="SANDBOX_TOKEN", metavar="NAME", help="the variable with the token")
    serving.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at once; default: one for each core")
    serving.add_argument(
        "--max-request", type=int, default=8 * MEBIBYTE, metavar="BYTES", help="the largest request, default 8 MiB"
    )


def _selftest(options: argparse.Namespace) -> int:
    well = True
    for held, line in report():
        print(line, flush=True)
        well = well and held
    return 0 if well else 1


def _languages(options: argparse.Namespace) -> int:
    try:
        found = languages()
    except RunnerFailed as failure:
        print(f"python -m sandbox languages: {failure}", file=sys.stderr)
        return 1
    for name, version in found.items():
        print(f"{name:12} {version}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    token = os.environ.get(options.token_env, "").strip()
    if complaint := _complaint(options, token):
        print(f"python -m sandbox serve: {complaint}", file=sys.stderr)
        return BAD_INPUT
    # A runner serves others, who cannot see it: it takes nothing weaker than bubblewrap.
    os.environ.setdefault("SANDBOX_SETUP", "full")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    terms = Terms(token, options.host, options.port, options.jobs, options.max_request)
    try:
        asyncio.run(serve(terms, lambda line: print(line, flush=True)))
    except OSError as error:
        print(f"python -m sandbox serve: cannot serve on {options.host}:{options.port}: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


def _complaint(options: argparse.Namespace, token: str) -> str:
    """Why it cannot serve like this; empty when it can."""
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        name = options.token_env
        return f"{name} must hold a token of at least {SHORTEST_TOKEN} ASCII characters, e.g. from openssl rand -hex 32"
    if os.environ.get("SANDBOX_URL") or os.environ.get("SANDBOX") == "remote":
        return "a runner runs programs itself: unset SANDBOX_URL, and SANDBOX=remote with it"
    if not 0 <= options.port < 2**16:
        return f"--port must be from 0 to 65535, not {options.port}"
    if not 1 <= options.jobs <= 256:
        return f"--jobs must be from 1 to 256, not {options.jobs}"
    if not 1024 <= options.max_request <= 1024 * MEBIBYTE:
        return f"--max-request must be from 1024 to {1024 * MEBIBYTE} bytes, not {options.max_request}"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
