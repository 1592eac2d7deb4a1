"""Run measurements: python -m bench [--only NAME,NAME] [--database sqlite|postgresql|both]."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.measurements import MEASUREMENTS, Measurement
from bench.sites import DATABASES, Machine
from bench.telling import measure_all, names_among


def main(arguments: Sequence[str], measurements: Mapping[str, Measurement] = MEASUREMENTS) -> int:
    """Measure, print each figure as it is known, write them all; 1 when a target is missed or nothing was measured."""
    options = _parsed(arguments, measurements)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        machine = Machine(Path(folder), options.database)
        try:
            return measure_all({name: partial(measurements[name], machine) for name in options.only}, options.json)
        finally:
            machine.stop()


def _parsed(arguments: Sequence[str], measurements: Mapping[str, Measurement]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description="Measure, each figure beside what it is held against.")
    parser.add_argument("--only", type=names_among(measurements), default=list(measurements), metavar="NAME,NAME")
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), metavar="FILE", help="where the figures go")
    options = parser.parse_args(arguments)
    options.database = DATABASES if options.database == "both" else (options.database,)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
