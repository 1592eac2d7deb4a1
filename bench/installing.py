"""What an install without the extra `embeddings` takes on the disk."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure
from bench.sites import Machine
from bench.usage import CommandFailed
from tests.migrated import ROOT

NEEDED = ("Makefile", "pyproject.toml", "README.md")
INSTALLED = ".venv/.demo-0"


def install_size(machine: Machine) -> Iterator[Figure]:
    """The folder .venv that `make demo EMBEDDINGS=0` makes in a fresh checkout."""
    with tempfile.TemporaryDirectory(prefix="install-", dir=machine.folder) as name:
        checkout = Path(name)
        for file in NEEDED:
            shutil.copy(ROOT / file, checkout)
        done = subprocess.run(
            ["make", INSTALLED, "EMBEDDINGS=0"], cwd=checkout, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CommandFailed(f"installing failed:\n{done.stdout}\n{done.stderr}")
        mebibytes = on_disk(checkout / ".venv") / 2**20
    yield Figure(name="install_size", value=mebibytes, unit="MiB", target=200)


def on_disk(folder: Path) -> int:
    """Bytes in whole blocks, folders included, as `du` counts them."""
    return sum(
        (Path(place) / name).lstat().st_blocks * 512 for place, _, files in os.walk(folder) for name in (".", *files)
    )
