"""The system calls a program may not make, as a classic BPF filter assembled here.

Refused calls fail with an error number and do not kill, so that what a program prints about them stays normal text.
"""

import errno
import platform
import socket
import struct
from functools import cache

# struct seccomp_data: number, architecture, instruction pointer, six arguments (low halves first on both machines).
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 24, 32

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, FAIL = 0x7FFF_0000, 0x8000_0000, 0x0005_0000

X32_BIT = 0x4000_0000
# mount, cgroup, uts, ipc, user, pid, net
NAMESPACE_FLAGS = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000
# A network namespace does not cover AF_VSOCK, AF_NETLINK and AF_ALG.
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)

AUDIT_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}

# Calls looked at more closely: name, x86_64, aarch64.
CLONE = {"x86_64": 56, "aarch64": 220}
SOCKET = {"x86_64": 41, "aarch64": 198}
SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
SETSOCKOPT = {"x86_64": 54, "aarch64": 208}
# What waits in a socket is kernel memory that no limit counts, so a socket stays as long as the kernel makes it.
BUFFER_SIZES = (socket.SO_SNDBUF, socket.SO_RCVBUF)
CLONE3 = 435  # its flags lie in memory, where a filter cannot look; libraries fall back to clone

# From 424 on every machine numbers alike.
REFUSED_EVERYWHERE = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
    "process_mrelease": 448,
    "open_tree_attr": 467,
}
# name: (x86_64, aarch64)
REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "memfd_create": (319, 279),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "personality": (135, 92),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "shmget": (29, 194),
    "shmctl": (31, 195),
    "shmat": (30, 196),
    "shmdt": (67, 197),
    "semget": (64, 190),
    "semctl": (66, 191),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgctl": (71, 187),
    "msgrcv": (70, 188),
    "msgsnd": (69, 189),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
}
# Where a program shares the machine's processes and network, as under Landlock: name: (x86_64, aarch64).
REFUSED_AMONG_OTHERS = {"setpriority": (141, 140), "ioprio_set": (251, 30), "inotify_init1": (294, 26)}
# These name a process first, and 0 is the caller itself.
ONLY_ON_ITSELF = {
    "prlimit64": (302, 261),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
}
REFUSED_ON_X86_64 = {
    "uselib": 134,
    "ustat": 136,
    "sysfs": 139,
    "modify_ldt": 154,
    "sethostname": 170,
    "setdomainname": 171,
    "iopl": 172,
    "ioperm": 173,
    "lookup_dcookie": 212,
}

# code, operand, label when true, label when false; no label goes on to the next line.
Instruction = tuple[int, int, str, str]
Line = str | Instruction  # a str names the place of the instruction after it


def refused_numbers(machine: str) -> dict[str, int]:
    """Name and number of every call that always fails with EPERM on this machine."""
    column = tuple(AUDIT_ARCHITECTURES).index(machine)
    own = {name: numbers[column] for name, numbers in REFUSED.items()}
    return own | REFUSED_EVERYWHERE | (REFUSED_ON_X86_64 if machine == "x86_64" else {})


def among_others_numbers(machine: str) -> tuple[dict[str, int], dict[str, int]]:
    """What a program that shares the machine's processes may not call, and what it may call on itself alone."""
    column = tuple(AUDIT_ARCHITECTURES).index(machine)
    refused, on_itself = (
        {name: numbers[column] for name, numbers in table.items()} for table in (REFUSED_AMONG_OTHERS, ONLY_ON_ITSELF)
    )
    return refused | ({"inotify_init": 253} if machine == "x86_64" else {}), on_itself


@cache
def filter_program(machine: str = platform.machine(), among_others: bool = False) -> bytes:
    """The filter as an array of struct sock_filter; `among_others` where no namespace hides processes and network."""
    if machine not in AUDIT_ARCHITECTURES:
        known = ", ".join(AUDIT_ARCHITECTURES)
        raise LookupError(f"no system call table for {machine}; the sandbox runs on {known}")
    return _assemble(_program(machine, among_others))


def _program(machine: str, among_others: bool) -> list[Line]:
    refused = refused_numbers(machine)
    on_itself: dict[str, int] = {}
    if among_others:
        further, on_itself = among_others_numbers(machine)
        refused |= further
    lines: list[Line] = [
        (LOAD, ARCHITECTURE, "", ""),
        (JUMP_EQUAL, AUDIT_ARCHITECTURES[machine], "", "kill"),
        (LOAD, NUMBER, "", ""),
    ]
    if machine == "x86_64":
        lines.append((JUMP_AT_LEAST, X32_BIT, "no such call", ""))
    lines += [
        (JUMP_EQUAL, CLONE3, "no such call", ""),
        (JUMP_EQUAL, CLONE[machine], "clone", ""),
        (JUMP_EQUAL, SOCKET[machine], "socket", ""),
        (JUMP_EQUAL, SOCKETPAIR[machine], "pair" if among_others else "socket", ""),
        (JUMP_EQUAL, SETSOCKOPT[machine], "option", ""),
        *((JUMP_EQUAL, number, "refuse", "") for number in refused.values()),
        *((JUMP_EQUAL, number, "itself", "") for number in on_itself.values()),
        (RETURN, ALLOW, "", ""),
        "clone",
        (LOAD, FIRST_ARGUMENT, "", ""),
        (JUMP_ANY_BIT, NAMESPACE_FLAGS, "refuse", "allow"),
        "itself",
        (LOAD, FIRST_ARGUMENT, "", ""),
        (JUMP_EQUAL, 0, "allow", "refuse"),
        "pair",
        (LOAD, FIRST_ARGUMENT, "", ""),
        (JUMP_EQUAL, socket.AF_UNIX, "allow", ""),
        "socket",
        (LOAD, FIRST_ARGUMENT, "", ""),
        *((JUMP_EQUAL, family, "allow", "") for family in (() if among_others else FAMILIES)),
        (RETURN, FAIL | errno.EAFNOSUPPORT, "", ""),
        "option",
        (LOAD, SECOND_ARGUMENT, "", ""),
        (JUMP_EQUAL, socket.SOL_SOCKET, "", "allow"),
        (LOAD, THIRD_ARGUMENT, "", ""),
        *((JUMP_EQUAL, option, "nothing", "") for option in BUFFER_SIZES),
        (RETURN, ALLOW, "", ""),
        "nothing",  # a success without effect: to the kernel too a wish for a size is only a hint
        (RETURN, FAIL, "", ""),
        "refuse",
        (RETURN, FAIL | errno.EPERM, "", ""),
        "no such call",
        (RETURN, FAIL | errno.ENOSYS, "", ""),
        "kill",
        (RETURN, KILL, "", ""),
        "allow",
        (RETURN, ALLOW, "", ""),
    ]
    return lines


def _assemble(lines: list[Line]) -> bytes:
    """Turn labels into distances; classic BPF only jumps forward, at most 255 lines."""
    places: dict[str, int] = {}
    instructions: list[Instruction] = []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(instructions)
        else:
            instructions.append(line)
    program = bytearray()
    for position, (code, operand, when_true, when_false) in enumerate(instructions):
        true, false = (places[label] - position - 1 if label else 0 for label in (when_true, when_false))
        program += struct.pack("=HBBI", code, true, false, operand)
    return bytes(program)
