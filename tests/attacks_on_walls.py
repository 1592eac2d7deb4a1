"""Attacks that reach for what is not theirs: files, sockets, processes, and powers over the kernel."""

import platform

from sandbox import Status
from sandbox.seccomp import refused_numbers
from tests.attack import CALLING, Attack, calling

REACHING = """
import os, socket
def reach(deed):
    try: print('BREACH', deed() or '')
    except OSError as why: print(why.errno, why.strerror)
"""
TRIED = REACHING + "reach(lambda: {deed})"
# A test fills in {folder}, which lies on the host, and what listens or runs there: {tcp}, {outside}, {abstract} and
# {victim}.
UNSHARE_USERS_AND_MOUNTS = f"""
try: call({refused_numbers(platform.machine())["unshare"]}, 0x10020000)
except OSError as why: print(why)
"""


def read(path: str) -> str:
    return TRIED.format(deed=f"open({path}).read()[:1] and None")


ATTACKS = {
    "reading /etc/shadow": Attack(
        read("'/etc/shadow'"),
        ("own_files",),
        ("other_user",),
        cannot_as_ordinary="the host's own mode keeps an ordinary user from it",
        said_instead="Permission denied",
    ),
    "reading what every user of the host may read": Attack(read("'/etc/passwd'"), ("own_files",)),
    "reading the application's .env": Attack(read("'{folder}/.env'"), ("own_files",)),
    "reading through '..'": Attack(read("'/usr/bin/../../box/../{folder}/.env'"), ("own_files",)),
    "reading through a symbolic link": Attack(
        REACHING + "os.symlink('{folder}/.env', 'link')\nreach(lambda: open('link').read() and None)", ("own_files",)
    ),
    "reading through /proc/1/root": Attack(read("'/proc/1/root{folder}/.env'"), ("own_files", "hidden_reaper")),
    # Whoever writes that memory is the first process, which has no limits and is not counted.
    "writing the memory of the first process": Attack(
        REACHING
        + "for name, mode in (('cmdline', 'rb'), ('mem', 'r+b')): reach(lambda: open(f'/proc/1/{name}', mode))",
        ("hidden_reaper",),
    ),
    "reading the worker's environment": Attack(
        "import glob\n"
        "for name in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: print('BREACH' if b'SECRET=' in open(name, 'rb').read() else 'clean')\n"
        "    except OSError as why: print(why)",
        ("clean_launcher", "hidden_reaper"),
    ),
    "writing outside": Attack(TRIED.format(deed="open('{folder}/open/left', 'w').write('x') and None"), ("own_files",)),
    "writing to the application's .env": Attack(
        TRIED.format(deed="open('{folder}/.env', 'r+') and None"), ("own_files",)
    ),
    "writing through a symbolic link": Attack(
        REACHING + "os.symlink('{folder}/open', 'way')\nreach(lambda: open('way/left', 'w').write('x') and None)",
        ("own_files",),
    ),
    "a hard link to a host file": Attack(
        TRIED.format(deed="os.link('{folder}/.env', '{folder}/open/left')"), ("own_files",)
    ),
    "a hard link into the box": Attack(
        TRIED.format(deed="os.link('/usr/bin/env', '/box/left')"),
        cannot="the box is a file system of its own, and no hard link crosses from one to another",
        said_instead="Invalid cross-device link",
    ),
    "TCP to this machine": Attack(
        TRIED.format(deed="socket.create_connection(('127.0.0.1', {tcp}), 1) and None"), ("own_network",)
    ),
    # Where another machine would reach this one, so that nothing leaves it.
    "TCP to an address outside": Attack(
        TRIED.format(deed="socket.create_connection({outside}, 1) and None"), ("own_network",)
    ),
    # Connecting a UDP socket looks for a way and sends nothing.
    "the way outside": Attack(
        TRIED.format(deed="socket.socket(2, 2).connect(('198.51.100.1', 9))"), ("own_network",), of_the_kernel=True
    ),
    "an abstract UNIX socket": Attack(
        TRIED.format(deed="socket.socket(1).connect('\\x00{abstract}')"), ("own_network",)
    ),
    "a UNIX socket by its path": Attack(
        TRIED.format(deed="socket.socket(1).connect('{folder}/socket')"), ("own_files",)
    ),
    "a vsock socket": Attack(TRIED.format(deed="socket.socket(40, 1) and None"), ("filter",), of_the_kernel=True),
    "a netlink socket": Attack(TRIED.format(deed="socket.socket(16, 3) and None"), ("filter",), of_the_kernel=True),
    "a crypto socket": Attack(TRIED.format(deed="socket.socket(38, 5) and None"), ("filter",), of_the_kernel=True),
    "killing a process of the same user": Attack(
        TRIED.format(deed="os.kill({victim}, 10)"), ("own_processes",), ("other_user",)
    ),
    "killing everything": Attack(
        "import os\nos.kill(-1, 9)\nprint('alone')",
        cannot="with the wall away it would end every process of this user on the machine, so it is not tried",
    ),
    "killing its own group": Attack(
        "import os\nos.kill(0, 9)",
        ("own_session",),
        statuses=frozenset({Status.SIGNAL}),
        breach=lambda result, left: result.status is Status.SANDBOX_ERROR,
    ),
    "tracing a child": Attack(
        CALLING
        + "child = os.fork()\nif child == 0:\n    import time; time.sleep(1); os._exit(0)\n"
        + calling("ptrace", "16, child, 0, 0").removeprefix(CALLING),
        ("filter",),
    ),
    "tracing a process of the same user": Attack(
        calling("ptrace", "16, {victim}, 0, 0"),
        ("filter", "own_processes"),
        ("other_user", "user_namespace"),
        cannot_as_ordinary="no process traces one of another user namespace, without which it gets no bubblewrap",
        said_instead="EPERM",
    ),
    "mounting": Attack(
        calling("mount", "b'none', b'/tmp', b'tmpfs', 0, None", UNSHARE_USERS_AND_MOUNTS),
        ("filter", "no_nesting"),
    ),
    "a user namespace inside": Attack(calling("unshare", "0x10000000"), ("filter", "no_nesting")),
    "the kernel's keys": Attack(
        calling("add_key", "b'user', b'name', b'value', 5, -2"), ("filter",), of_the_kernel=True
    ),
    "io_uring": Attack(
        calling("io_uring_setup", "2, ctypes.create_string_buffer(200)"), ("filter",), of_the_kernel=True
    ),
    "userfaultfd": Attack(calling("userfaultfd", "1"), ("filter",), of_the_kernel=True),
    "bpf": Attack(
        calling("bpf", "0, attributes, 64", "attributes = struct.pack('=IIII', 2, 4, 8, 1) + bytes(112)"),
        ("filter",),
        ("other_user", "user_namespace"),
        cannot_as_ordinary="kernel.unprivileged_bpf_disabled keeps every ordinary user from it",
        said_instead="EPERM",
    ),
    "perf": Attack(
        calling(
            "perf_event_open",
            "event, 0, -1, -1, 0",
            "event = struct.pack('=IIQQQQQ', 1, 112, 0, 0, 0, 0, 0x61) + bytes(64)",
        ),
        ("filter",),
        of_the_kernel=True,
    ),
    "shared memory of System V": Attack(calling("shmget", "0, 4096, 0o1600"), ("filter",)),
    "message queues": Attack(calling("mq_open", "b'left', 0o102, 0o600, None"), ("filter",)),
    "a device node": Attack(
        TRIED.format(deed="os.mknod('/box/disk', 0o60666, os.makedev(254, 0))"),
        (),
        ("other_user", "user_namespace"),
        cannot_as_ordinary="no power over devices is given to any user namespace",
        said_instead="Operation not permitted",
    ),
    "control groups": Attack(
        REACHING + "if not bounded: reach(lambda: os.mkdir('/sys/fs/cgroup/left'))\n"
        "reach(lambda: len(os.listdir('/sys/fs/cgroup')))",
        ("own_files",),
    ),
    "a setuid program": Attack(
        "import subprocess\n"
        "try:\n"
        "    done = subprocess.run(['{folder}/id', '-u'], capture_output=True)\n"
        "    print('BREACH' if done.stdout == b'0\\n' else 'nobody')\n"
        "except OSError as why: print(why)",
        ("own_files",),
        cannot="bubblewrap always forbids new privileges and has no argument that allows them",
        said_instead="nobody",
    ),
}
