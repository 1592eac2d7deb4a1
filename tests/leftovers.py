"""What is left of sandboxes when whoever started them is gone."""

import time
from pathlib import Path

from sandbox.processes import STAT_PARENT, read_stat

STAT_GROUP = 2


def words_of(process):
    """The command line of a process; empty when it is gone or dead."""
    try:
        return (Path("/proc") / str(process) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def processes():
    return [int(place.name) for place in Path("/proc").glob("[0-9]*")]


def is_warden(words):
    return any(word.endswith(b"/warden.py") for word in words)


def astray():
    """Living sandboxes without a warden above them, and wardens without a worker, by their numbers."""
    left = set()
    for process in processes():
        words, stat = words_of(process), read_stat(process)
        if not stat or stat[0] == "Z":
            continue
        if words and words[0].endswith(b"/bwrap"):
            above = words_of(stat[STAT_PARENT])
            if not is_warden(above) and above[:1] != words[:1]:
                left.add(process)
        elif is_warden(words) and not Path(f"/proc/{words[-3].decode()}").exists():
            left.add(process)
    return left


def group_of(leader):
    """The living processes of a group: all that bubblewrap is while it makes a sandbox."""
    stats = {process: read_stat(process) for process in processes()}
    return {number for number, stat in stats.items() if stat and stat[STAT_GROUP] == str(leader) and stat[0] != "Z"}


def until_none(found, seconds=10):
    """Wait until nothing is found any more; fails with what is."""
    deadline = time.monotonic() + seconds
    while left := found():
        assert time.monotonic() < deadline, {process: words_of(process) for process in left}
        time.sleep(0.05)
