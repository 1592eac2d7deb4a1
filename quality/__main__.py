"""Measure on labelled probes: python -m quality [--only SUBJECT,SUBJECT] [--probes FOLDER]."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.figures import Figure
from bench.sites import Machine
from bench.telling import measure_all, names_among
from quality import contamination, near_duplicates
from tests.migrated import ROOT

PROBES = ROOT.parent / "shared" / "data" / "probes" / "dev"

# A subject runs the real commands on fresh databases of the machine, over its file in the folder of probes.
Subject = Callable[[Machine, Path], Iterable[Figure]]

SUBJECTS: dict[str, Subject] = {
    "contamination": contamination.by_variant,
    "near_duplicates": near_duplicates.by_kind,
}


def main(arguments: Sequence[str], subjects: Mapping[str, Subject] = SUBJECTS) -> int:
    """Print each figure beside its target and write them all; 1 when a target is missed."""
    options = _parsed(arguments, subjects)
    with tempfile.TemporaryDirectory(prefix="quality-") as folder:
        machine = Machine(Path(folder), ["sqlite"])
        return measure_all(
            {name: partial(subjects[name], machine, options.probes) for name in options.only}, options.json
        )


def _parsed(arguments: Sequence[str], subjects: Mapping[str, Subject]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("quality", description="What the checks find among labelled probes.")
    parser.add_argument("--only", type=names_among(subjects), default=list(subjects), metavar="SUBJECT,SUBJECT")
    parser.add_argument("--probes", type=_folder, default=PROBES, metavar="FOLDER", help="labelled probes")
    parser.add_argument("--json", type=Path, default=Path("quality.json"), metavar="FILE", help="where the figures go")
    return parser.parse_args(arguments)


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return Path(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
