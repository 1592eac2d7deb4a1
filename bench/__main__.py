"""Run measurements: python -m bench [--only NAME,NAME] [--database sqlite|postgresql|both]."""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import COLUMNS, Figure
from bench.measurements import MEASUREMENTS, Measurement
from bench.sites import DATABASES, Machine
from bench.usage import CommandFailed


def main(arguments: Sequence[str], measurements: Mapping[str, Measurement] = MEASUREMENTS) -> int:
    """Measure, print each figure as it is known, write them all; 1 when a target is missed or nothing was measured."""
    options = _parsed(arguments, measurements)
    figures: list[Figure] = []
    unmeasured = 0
    print(COLUMNS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        machine = Machine(Path(folder), options.database)
        try:
            for name in options.only:
                try:
                    for figure in measurements[name](machine):
                        print(figure.as_row(), flush=True)
                        figures.append(figure)
                except CommandFailed as error:
                    unmeasured += 1
                    print(f"{name} could not be measured: {error}", file=sys.stderr)
        finally:
            machine.stop()
    options.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=1, ensure_ascii=False) + "\n")
    return 1 if unmeasured or not all(figure.ok for figure in figures) else 0


def _parsed(arguments: Sequence[str], measurements: Mapping[str, Measurement]) -> argparse.Namespace:
    def names(text: str) -> list[str]:
        wanted = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in wanted if name not in measurements]
        if unknown or not wanted:
            known = ", ".join(measurements)
            raise argparse.ArgumentTypeError(
                f"no measurement is called {', '.join(unknown) or text!r}; there are {known}"
            )
        return wanted

    parser = argparse.ArgumentParser("bench", description="Measure, each figure beside what it is held against.")
    parser.add_argument("--only", type=names, default=list(measurements), metavar="NAME,NAME")
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), metavar="FILE", help="where the figures go")
    options = parser.parse_args(arguments)
    options.database = DATABASES if options.database == "both" else (options.database,)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
