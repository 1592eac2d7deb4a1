"""Finds out which backend works here by starting it, and names the remedy where none does."""

import os
import platform
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from . import bubblewrap, landlock, remote
from .jobs import Job
from .languages import Language, find_program
from .launching import FREE_USER_IDS
from .processes import children_are_listed
from .results import Limits
from .seccomp import AUDIT_ARCHITECTURES
from .walls import VARIATIONS, Variation

SETTINGS = ("auto", "bubblewrap", "landlock", "remote", "disabled")
# Set by the program that we are a part of; a full set-up serves several people and takes nothing weaker.
SETUP = "SANDBOX_SETUP"
EMBEDDED, FULL = "embedded", "full"
REDUCED = "reduced isolation"
PACKAGES = {
    "bwrap": "bubblewrap",
    "prlimit": "util-linux",
    "setpriv": "util-linux",
    "bash": "bash",
    "rm": "coreutils",
    "chmod": "coreutils",
}
KERNEL = Path("/proc/sys")
UID_MAP = Path("/proc/self/uid_map")

TRIAL = Job(Language("trial", "main.txt", ("true",), ("true",)), "", (("main.txt", b""),), b"", Limits(wall_s=5))


class Unusable(Exception):
    """A backend does not work here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What works here. `backend` is None where nothing does; `reasons` says why for each that does not."""

    setting: str
    backend: str | None
    reasons: dict[str, str] = field(default_factory=dict)
    variation: Variation = field(default_factory=Variation)
    runner: str = ""  # where programs run, when that is not this machine
    said: str = ""  # the line of the probe there

    @property
    def line(self) -> str:
        """One line for people."""
        if self.runner:
            return f"{self.said} Programs run on the runner at {self.runner}."
        if self.backend == landlock.NAME:
            better = f" Better: {self.reasons[bubblewrap.NAME]}" if self.reasons else ""
            return (
                f"Sandbox: landlock, {REDUCED}. It contains what a program reads, writes, sends and uses;"
                f" names of files, processes and the kernel itself it does not.{better}"
            )
        if self.backend is not None:
            return (
                f"Sandbox: {self.backend}{self.variation.lacks}."
                " It contains files, network, processes, memory and time; the kernel itself it does not."
            )
        if self.setting == "disabled":
            return "Sandbox: disabled (SANDBOX=disabled); no code is run."
        return f"Sandbox: none, so no code is run. {' '.join(self.reasons.values())}"


def probe(setting: str | None = None) -> Probe:
    """Which backend the setting gives; without one the environment variable SANDBOX decides, else `auto`."""
    chosen = setting or os.environ.get("SANDBOX") or "auto"
    if chosen not in SETTINGS:
        known = ", ".join(SETTINGS)
        return Probe(chosen, None, {chosen: f"SANDBOX={chosen} names no backend of this version; known: {known}."})
    if chosen == "disabled":
        return Probe(chosen, None, {"disabled": "SANDBOX=disabled."})
    return _probe_runner(chosen) or _probe_here(chosen)


def _probe_runner(chosen: str) -> Probe | None:
    """What the runner says of itself; None where none is to be asked."""
    try:
        runner = remote.chosen_runner(chosen)
        if runner is None:
            return None
        about = remote.look(runner)
    except remote.RunnerFailed as reason:
        return Probe(chosen, None, {remote.NAME: f"{reason}."})
    if about.backend is None:
        return Probe(chosen, None, {remote.NAME: f"The runner at {runner.url} says: {about.line}"})
    return Probe(chosen, f"{remote.NAME}:{about.backend}", runner=runner.url, said=about.line)


def is_reduced(backend: str) -> bool:
    """Whether what ran there ran with less around it than bubblewrap gives, here or on a runner."""
    return backend.endswith(landlock.NAME)


def _probe_here(chosen: str) -> Probe:
    reasons: dict[str, str] = {}
    if chosen != landlock.NAME:
        try:
            return Probe(chosen, bubblewrap.NAME, variation=_working_variation(os.geteuid()))
        except Unusable as reason:
            reasons[bubblewrap.NAME] = str(reason)
    setup = os.environ.get(SETUP, "")
    if chosen == landlock.NAME and setup == FULL:
        return Probe(chosen, None, {chosen: f"SANDBOX=landlock gives {REDUCED}, which a full set-up does not take."})
    # Nothing weaker is taken in silence: what looks like isolation must be it.
    if chosen != landlock.NAME and not (chosen == "auto" and setup == EMBEDDED):
        return Probe(chosen, None, reasons)
    try:
        _check_landlock(os.geteuid())
    except Unusable as reason:
        return Probe(chosen, None, reasons | {landlock.NAME: str(reason)})
    return Probe(chosen, landlock.NAME, reasons)


@lru_cache
def _working_variation(user: int) -> Variation:
    """The first variation that starts; kept for the process, while a failure is looked at again each time."""
    _check_host("bubblewrap", bubblewrap.PROGRAMS)
    complaints = []
    for variation in VARIATIONS:
        watch = bubblewrap.start(TRIAL, variation)
        if watch.phase == "run" and watch.exit_code == 0:
            return variation
        complaints.append(watch.stderr.text().strip() or watch.why or "a trial program did not begin")
    raise Unusable(remedy(complaints[0]))


@lru_cache
def _check_landlock(user: int) -> None:
    """Raises Unusable where a trial program does not begin; that it did is kept for the process."""
    _check_host("landlock", landlock.PROGRAMS)
    if lacking := landlock.missing():
        raise Unusable(lacking)
    watch = landlock.start(TRIAL)
    if watch.phase != "run" or watch.exit_code != 0:
        raise Unusable(f"landlock does not start: {watch.stderr.text().strip() or watch.why or 'no word of why'}.")


def _check_host(backend: str, programs: tuple[str, ...]) -> None:
    if platform.system() != "Linux":
        raise Unusable(f"{backend} needs Linux, this is {platform.system()}: use SANDBOX=disabled here.")
    if platform.machine() not in AUDIT_ARCHITECTURES:
        raise Unusable(f"there is no system call filter for {platform.machine()}, only for x86_64 and aarch64.")
    for program in programs:
        if find_program(program) is None:
            raise Unusable(f"{program} is not in /usr/bin: apt install {PACKAGES[program]}.")
    if os.geteuid() == 0 and not _other_users_exist(UID_MAP.read_text()):
        raise Unusable(
            f"root has no user ids {FREE_USER_IDS[0]} to {FREE_USER_IDS[-1]} here, as in a rootless container:"
            " start the program as an ordinary user, or map those ids."
        )
    if not children_are_listed():
        raise Unusable("this kernel lists no child processes (CONFIG_PROC_CHILDREN), so memory cannot be watched.")


def _other_users_exist(uid_map: str) -> bool:
    """Each line of /proc/self/uid_map maps a range: first id inside, first id outside, how many."""
    ranges = [(int(first), int(count)) for first, _, count in map(str.split, uid_map.splitlines())]
    return any(first <= FREE_USER_IDS[0] and FREE_USER_IDS[-1] < first + count for first, count in ranges)


def remedy(complaint: str, kernel: Path = KERNEL) -> str:
    """What to do about what bubblewrap said."""
    if "Unknown option" in complaint:
        return f"bubblewrap is too old, 0.8 or later is needed ({complaint})."
    if _value(kernel / "kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            f"Ubuntu keeps user namespaces from bubblewrap ({complaint}): give it an AppArmor profile with `userns,`"
            " in /etc/apparmor.d/bwrap, or set sysctl kernel.apparmor_restrict_unprivileged_userns=0."
        )
    if _value(kernel / "kernel/unprivileged_userns_clone") == "0":
        return f"user namespaces are off ({complaint}): set sysctl kernel.unprivileged_userns_clone=1."
    if _value(kernel / "user/max_user_namespaces") == "0":
        return f"user namespaces are off ({complaint}): set sysctl user.max_user_namespaces=15000."
    if "namespace" in complaint:
        return f"user namespaces are refused, as in most containers ({complaint}): allow them in its seccomp profile."
    return f"bubblewrap does not start: {complaint}."


def _value(setting: Path) -> str:
    try:
        return setting.read_text().strip()
    except FileNotFoundError:
        return ""
