"""What can be run where this set-up runs its programs: on this machine, or on the runner it asks."""

from . import remote
from .languages import canonical
from .languages import languages as languages_here
from .languages import runtime as runtime_here
from .probing import probe


def languages() -> dict[str, str]:
    """Every language with its version; raises RunnerFailed when a runner is to be asked and cannot be."""
    runner = remote.chosen_runner()
    return languages_here() if runner is None else dict(remote.about(runner, runner.patience_s).languages)


def runtime(language: str) -> str:
    """The language with its version, as "python 3.11.2"; empty when it is not there. Raises RunnerFailed."""
    runner = remote.chosen_runner()
    if runner is None:
        return runtime_here(language)
    name = canonical(language)
    version = remote.about(runner, runner.patience_s).languages.get(name, "")
    return f"{name} {version}" if version else ""


def backend() -> str:
    """What programs run under, here or on the runner; empty where nothing can be run. Raises RunnerFailed."""
    runner = remote.chosen_runner()
    return (probe() if runner is None else remote.about(runner, runner.patience_s)).backend or ""
