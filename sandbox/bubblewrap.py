"""The default backend: a program alone in namespaces of its own, with a file system made for it and no network."""

import os
from contextlib import AbstractContextManager

from . import commands, walls
from .jobs import Job
from .launching import LAUNCHER_ENVIRONMENT, Descriptors, Launched, launch, next_user_id
from .seccomp import filter_program
from .supervising import Watch, disks_full, overfull, supervise
from .walls import ALL_WALLS, DEFAULT_VARIATION, Variation, Wall

NAME = "bubblewrap"
PROGRAMS = ("bwrap", "prlimit", "bash", "setpriv")


def start(job: Job, variation: Variation = DEFAULT_VARIATION, standing: frozenset[Wall] = ALL_WALLS) -> Watch:
    """Run the job under bubblewrap and stay with it until everything inside is dead."""
    full = overfull if Wall.OWN_NETWORK in standing else disks_full
    with launched(job, variation, standing) as program:
        return supervise(program, job.limits, job.abandoned, full=full)


def launched(
    job: Job, variation: Variation = DEFAULT_VARIATION, standing: frozenset[Wall] = ALL_WALLS
) -> AbstractContextManager[Launched]:
    """The job's program just after its start, as root under a user id of its own. Every wall stands but in tests."""
    becomes_other = os.geteuid() == 0 and Wall.OTHER_USER in standing
    user = next_user_id() if becomes_other else os.geteuid()

    def arguments(descriptors: Descriptors) -> list[str]:
        return [
            *(commands.as_other_user(user) if becomes_other else ()),
            *walls.arguments(job, variation, standing, descriptors),
            *commands.program(job, descriptors.phase),
        ]

    return launch(
        arguments,
        files=[content for _, content in job.files],
        stdin=job.stdin,
        filter_program=filter_program(),
        owner=user,
        environment=LAUNCHER_ENVIRONMENT if Wall.CLEAN_LAUNCHER in standing else os.environ,
        kept=Wall.KEPT in standing,
    )
