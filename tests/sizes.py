"""How much a test takes on: all of it under `make soak`, a twentieth otherwise."""

import os

SOAK = os.environ.get("SOAK") == "1"


def sized(full: int) -> int:
    """The full count under SOAK=1, a twentieth of it in everyday runs."""
    return full if SOAK else max(1, full // 20)
