"""Starts a program as a container engine would start the runner: the profile by libseccomp, no powers, a closed disk.

Used as a script, inside the namespaces that `container` below makes: python confined.py PROFILE COMMAND...
"""

import ctypes
import ctypes.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ALLOW, ERRNO = 0x7FFF_0000, 0x0005_0000
COMPARISONS = {"SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}
RUNNER = 10001
# What an engine hides or closes of /proc, unless it is told `systempaths=unconfined`.
MASKS = "mount -t tmpfs none /proc/irq; mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys"


class Comparison(ctypes.Structure):
    _fields_ = [
        ("index", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    ]


def libseccomp():
    name = ctypes.util.find_library("seccomp")
    return None if name is None else ctypes.CDLL(name, use_errno=True)


def container(folder, *, masked=False):
    """The words before a command that put it into a container: `folder` is its working directory, at /srv."""
    shell = [
        "mount --make-rprivate /",
        "mount -t proc proc /proc",
        f"mount --bind {folder} /srv",
        "mount -t tmpfs -o size=16m,mode=1777 none /tmp",
        *([MASKS] if masked else []),
        "mount -o remount,ro,bind /",
        "mount -o remount,ro,bind /srv",
        "cd /srv",
        'exec "$@"',
    ]
    drop = ("--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
    return [
        *("unshare", "--mount", "--pid", "--fork", "bash", "-ec", "\n".join(shell), "bash"),
        *("setpriv", f"--reuid={RUNNER}", f"--regid={RUNNER}", *drop, "--"),
        *("/usr/bin/python3", "-B", "/srv/confined.py", "/srv/seccomp-runner.json", "/usr/bin/python3"),
    ]


def image(root):
    """A folder with what the image of the runner holds besides the languages, for `container`."""
    folder = Path(tempfile.mkdtemp(prefix="runner-image-"))
    shutil.copytree(root / "sandbox", folder / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (root / "deploy/seccomp-runner.json", Path(__file__)):
        shutil.copy(path, folder)
    folder.chmod(0o755)
    return folder


def remove(folder):
    shutil.rmtree(folder)


def possible():
    """Why it cannot be done here; empty when it can."""
    if libseccomp() is None:
        return "libseccomp is not installed (apt install libseccomp2)"
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False, capture_output=True).returncode:
        return "mounts cannot be changed here (needs root)"
    return ""


def apply(profile):
    """The profile as runc applies it: names that this machine does not have are left out."""
    library = libseccomp()
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ERRNO | profile["defaultErrnoRet"])))
    for rule in profile["syscalls"]:
        assert rule["action"] == "SCMP_ACT_ALLOW"
        wanted = [
            Comparison(one["index"], COMPARISONS[one["op"]], one["value"], one.get("valueTwo", 0))
            for one in rule.get("args", [])
        ]
        for name in rule["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:
                array = (Comparison * len(wanted))(*wanted)
                failed = library.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, len(wanted), array)
                assert failed == 0, (name, failed)
    assert library.seccomp_load(context) == 0


if __name__ == "__main__":
    apply(json.loads(Path(sys.argv[1]).read_text()))
    os.execvp(sys.argv[2], sys.argv[2:])
