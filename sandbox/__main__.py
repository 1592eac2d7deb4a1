"""`python -m sandbox selftest`: shows whether the sandbox of this machine holds, exit 1 when it does not."""

import argparse
import sys

from .languages import languages
from .selftest import report


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Runs code nobody trusts.",
        epilog="example: SANDBOX=bubblewrap python -m sandbox selftest",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("selftest", help="run a program and six quick attacks and print a table")
    commands.add_parser("languages", help="list the languages this host can run")
    command = parser.parse_args(arguments).command
    return {"selftest": _selftest, "languages": _languages}[command]()


def _selftest() -> int:
    well = True
    for held, line in report():
        print(line, flush=True)
        well = well and held
    return 0 if well else 1


def _languages() -> int:
    for name, version in languages().items():
        print(f"{name:12} {version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
