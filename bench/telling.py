"""Measure by name: each figure is printed as it is known, all of them are written as JSON."""

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench.figures import COLUMNS, Figure
from bench.usage import CommandFailed


def measure_all(measurements: Mapping[str, Callable[[], Iterable[Figure]]], file: Path) -> int:
    """The exit code: 1 when a target is missed or something could not be measured."""
    figures: list[Figure] = []
    unmeasured = 0
    print(COLUMNS)
    for name, measure in measurements.items():
        try:
            for figure in measure():
                print(figure.as_row(), flush=True)
                figures.append(figure)
        except CommandFailed as error:
            unmeasured += 1
            print(f"{name} could not be measured: {error}", file=sys.stderr)
    file.write_text(json.dumps([figure.as_json() for figure in figures], indent=1, ensure_ascii=False) + "\n")
    return 1 if unmeasured or not all(figure.ok for figure in figures) else 0


def names_among(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Reads `NAME,NAME`; for an option that chooses what is measured."""
    every = list(known)

    def names(text: str) -> list[str]:
        wanted = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in wanted if name not in every]
        if unknown or not wanted:
            raise ArgumentTypeError(
                f"no measurement is called {', '.join(unknown) or text!r}; there are {', '.join(every)}"
            )
        return wanted

    return names
