"""Runs code nobody trusts: `run(code, language)` gives a `RunResult`, whatever the code does."""

from .jobs import BadJob
from .languages import canonical, languages, runtime
from .probing import Probe, probe
from .results import Limits, RunResult, Status
from .running import run

__all__ = ["BadJob", "Limits", "Probe", "RunResult", "Status", "canonical", "languages", "probe", "run", "runtime"]
