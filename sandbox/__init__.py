"""Runs code nobody trusts: `run(code, language)` gives a `RunResult`, whatever the code does."""

from .hosts import backend, languages, runtime
from .jobs import BadJob
from .languages import canonical, recipe
from .probing import Probe, is_reduced, probe
from .remote import RunnerFailed
from .results import Limits, RunResult, Status
from .running import run

__all__ = [
    "BadJob",
    "Limits",
    "Probe",
    "RunResult",
    "RunnerFailed",
    "Status",
    "backend",
    "canonical",
    "is_reduced",
    "languages",
    "probe",
    "recipe",
    "run",
    "runtime",
]
