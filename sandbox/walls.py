"""The walls bubblewrap puts around a program, each by its name: a test takes one away to see its attack succeed."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .commands import ENVIRONMENT, ETC, path
from .jobs import Job
from .launching import Descriptors
from .results import MEBIBYTE

INSIDE_ID = 1000
SHARED_MEMORY_BYTES = MEBIBYTE
# What the sandbox makes itself, so that the host's of that name are never shown, wall or no wall.
MADE_INSIDE = {"bin", "box", "dev", "lib", "lib64", "proc", "tmp", "usr"}


class Wall(StrEnum):
    """What keeps a program in, besides the limits a caller sets."""

    CLEAN_LAUNCHER = "clean_launcher"  # the launcher knows nothing of our environment
    OTHER_USER = "other_user"  # root becomes somebody else before anything starts
    USER_NAMESPACE = "user_namespace"
    NO_NESTING = "no_nesting"  # no user namespace inside this one
    OWN_PROCESSES = "own_processes"
    OWN_NETWORK = "own_network"
    OWN_FILES = "own_files"
    OWN_SESSION = "own_session"
    HIDDEN_REAPER = "hidden_reaper"  # who could write the memory of the first process would have no limits there
    BOUNDED_DISKS = "bounded_disks"
    CLOSED_DISKS = "closed_disks"  # the memory disks without a bound cannot be written
    DIES_WITH_US = "dies_with_us"
    KEPT = "kept"  # the warden ends what a dead launcher leaves, and everything when the worker is gone
    REAPER = "reaper"  # the first process is bubblewrap's and not the program
    FILTER = "filter"


ALL_WALLS = frozenset(Wall)


@dataclass(frozen=True, slots=True)
class Variation:
    """What a host refuses to a container, or an older bubblewrap cannot do."""

    proc: bool = True
    bar_namespaces: bool = True

    @property
    def lacks(self) -> str:
        """What is not as it should be, for people; empty where all is."""
        without = "" if self.proc else ", without /proc"
        return without if self.bar_namespaces else f"{without}, user namespaces inside barred by the filter alone"


DEFAULT_VARIATION = Variation()
VARIATIONS = (DEFAULT_VARIATION, Variation(proc=False), Variation(bar_namespaces=False), Variation(False, False))


def arguments(job: Job, variation: Variation, walls: frozenset[Wall], descriptors: Descriptors) -> list[str]:
    """The words of bubblewrap, up to the program that runs inside."""
    return [
        path("bwrap"),
        *_namespaces(variation, walls),
        *("--hostname", "sandbox", "--clearenv"),
        *(word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)),
        *_files(job, variation, walls, descriptors),
        *(("--seccomp", str(descriptors.filter)) if Wall.FILTER in walls else ()),
        *("--json-status-fd", str(descriptors.status), "--chdir", "/box", "--"),
    ]


def _namespaces(variation: Variation, walls: frozenset[Wall]) -> Iterable[str]:
    yield from ("--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    if Wall.OWN_PROCESSES in walls:
        yield "--unshare-pid"
    if Wall.OWN_NETWORK in walls:
        yield "--unshare-net"
    if Wall.USER_NAMESPACE in walls:
        yield from ("--unshare-user", "--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID))
        if Wall.NO_NESTING in walls and variation.bar_namespaces:
            yield "--disable-userns"
    if Wall.DIES_WITH_US in walls:
        yield "--die-with-parent"
    if Wall.OWN_SESSION in walls:
        yield "--new-session"
    if Wall.REAPER not in walls:
        yield "--as-pid-1"


def _files(job: Job, variation: Variation, walls: frozenset[Wall], descriptors: Descriptors) -> list[str]:
    def bounded(size: int) -> tuple[str, ...]:
        return ("--size", str(size)) if Wall.BOUNDED_DISKS in walls else ()

    disk = bounded(job.limits.disk_mb * MEBIBYTE)
    return [
        *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"),
        *("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
        *(_chosen_files() if Wall.OWN_FILES in walls else _all_files()),
        *(_processes(walls) if variation.proc else ()),
        *("--dev", "/dev"),
        *(*disk, "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108
        *(*disk, "--perms", "0700", "--tmpfs", "/box"),
        *_files_of_the_job(job, descriptors),
        *(*bounded(SHARED_MEMORY_BYTES), "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108
        # Both are memory disks without a bound, so they are closed for writing, after the last mount.
        *(("--remount-ro", "/dev", "--remount-ro", "/") if Wall.CLOSED_DISKS in walls else ()),
    ]


def _processes(walls: frozenset[Wall]) -> Iterable[str]:
    yield from ("--proc", "/proc")
    if Wall.HIDDEN_REAPER in walls:
        yield from ("--size", "4096", "--perms", "0555", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1")


def _chosen_files() -> Iterable[str]:
    return (word for name in ETC for word in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}"))


def _all_files() -> Iterable[str]:
    folders = (str(place) for place in Path("/").iterdir() if place.is_dir() and place.name not in MADE_INSIDE)
    return (word for folder in folders for word in ("--bind", folder, folder))


def _files_of_the_job(job: Job, descriptors: Descriptors) -> list[str]:
    named = zip(descriptors.files, job.files, strict=True)
    return [word for number, (name, _) in named for word in ("--perms", "0644", "--file", str(number), f"/box/{name}")]
