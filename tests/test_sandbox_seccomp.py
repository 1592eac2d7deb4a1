"""The filter, run here on made-up calls by the rules of classic BPF, and its numbers against the kernel's headers."""

import errno
import re
import struct
from pathlib import Path

import pytest

from sandbox.seccomp import (
    AUDIT_ARCHITECTURES,
    CLONE,
    CLONE3,
    SETSOCKOPT,
    SOCKET,
    SOCKETPAIR,
    among_others_numbers,
    filter_program,
    refused_numbers,
)

ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
MACHINES = list(AUDIT_ARCHITECTURES)
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def verdict(machine, number, *arguments, architecture=None, among_others=False):
    """What the filter returns for a call."""
    architecture = AUDIT_ARCHITECTURES[machine] if architecture is None else architecture
    arguments = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *arguments)
    program = list(struct.iter_unpack("=HBBI", filter_program(machine, among_others)))
    accumulator, position = 0, 0
    while True:
        code, when_true, when_false, operand = program[position]
        position += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            accumulator = struct.unpack_from("=I", data, operand)[0]
            continue
        holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}[code]
        position += when_true if holds else when_false


# Written out once more, since a call that is taken from the filter's own table would be missed by nobody else.
NEVER = {
    "other processes": "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd",
    "mounts": "mount umount2 open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr pivot_root chroot",
    "namespaces": "unshare setns personality",
    "the kernel": "bpf perf_event_open userfaultfd kexec_load kexec_file_load reboot swapon swapoff",
    "modules": "init_module finit_module delete_module",
    "keys": "keyctl add_key request_key",
    "io_uring": "io_uring_setup io_uring_enter io_uring_register",
    "memory that is not counted": "memfd_create memfd_secret shmget shmat shmctl shmdt",
    "queues and semaphores of System V": "msgget msgsnd msgrcv msgctl semget semop semctl semtimedop",
    "queues of POSIX": "mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
    "files": "fanotify_init fanotify_mark name_to_handle_at open_by_handle_at",
}


@pytest.mark.parametrize("kind", NEVER)
@pytest.mark.parametrize("machine", MACHINES)
def test_refused_calls_fail_and_do_not_kill(machine, kind):
    numbers = refused_numbers(machine)
    for name in NEVER[kind].split():
        assert verdict(machine, numbers[name]) == FAIL | errno.EPERM, name


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_else_in_the_table_kills_either(machine):
    assert {verdict(machine, number) for number in refused_numbers(machine).values()} == {FAIL | errno.EPERM}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_other_call_is_allowed(machine):
    special = {*refused_numbers(machine).values(), CLONE3, SOCKET[machine], SOCKETPAIR[machine]}
    for number in set(range(600)) - special:
        assert verdict(machine, number) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_a_call_of_another_architecture_kills(machine):
    assert verdict(machine, 1, architecture=0x40000003) == KILL


def test_the_x32_calls_do_not_exist():
    assert verdict("x86_64", 0x40000000 | 41, 40) == FAIL | errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_and_forks_are_allowed_and_namespaces_are_not(machine):
    assert verdict(machine, CLONE[machine], 0x3D0F00) == ALLOW
    assert verdict(machine, CLONE[machine], 17) == ALLOW
    assert verdict(machine, CLONE[machine], 0x10000000 | 17) == FAIL | errno.EPERM
    assert verdict(machine, CLONE3) == FAIL | errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
def test_only_three_families_of_sockets_are_allowed_whatever_the_high_half_says(machine):
    allowed = [family for family in range(64) if verdict(machine, SOCKET[machine], family) == ALLOW]
    assert allowed == [1, 2, 10]
    assert verdict(machine, SOCKET[machine], 1 << 32 | 40) == FAIL | errno.EAFNOSUPPORT


@pytest.mark.parametrize("machine", MACHINES)
def test_the_wish_for_a_larger_socket_is_granted_without_effect_and_every_other_option_set(machine):
    level, other_level = 1, 6
    without_effect = [option for option in range(64) if verdict(machine, SETSOCKOPT[machine], 5, level, option) == FAIL]
    assert without_effect == [7, 8]
    assert {verdict(machine, SETSOCKOPT[machine], 5, other_level, option) for option in range(64)} == {ALLOW}


@pytest.mark.parametrize("machine", MACHINES)
def test_among_other_programs_there_are_no_sockets_but_pairs(machine):
    for family in range(64):
        assert verdict(machine, SOCKET[machine], family, among_others=True) == FAIL | errno.EAFNOSUPPORT
    pairs = [
        family for family in range(64) if verdict(machine, SOCKETPAIR[machine], family, among_others=True) == ALLOW
    ]
    assert pairs == [1]


@pytest.mark.parametrize("machine", MACHINES)
def test_among_other_programs_calls_on_a_process_reach_the_caller_alone(machine):
    refused, on_itself = among_others_numbers(machine)
    for number in on_itself.values():
        assert verdict(machine, number, 0, among_others=True) == ALLOW
        assert verdict(machine, number, 4711, among_others=True) == FAIL | errno.EPERM
    assert {verdict(machine, number, among_others=True) for number in refused.values()} == {FAIL | errno.EPERM}
    assert {"prlimit64", "sched_setaffinity"} <= on_itself.keys() and "inotify_init1" in refused


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernels_headers(machine):
    if not HEADERS[machine].exists():
        pytest.skip(f"{HEADERS[machine]} is not here (apt install linux-libc-dev)")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", HEADERS[machine].read_text()))
    further = {name: number for table in among_others_numbers(machine) for name, number in table.items()}
    assert further == {name: int(found[name]) for name in further}
    known = {name: number for name, number in refused_numbers(machine).items() if name in found}
    assert len(known) >= 60
    assert known == {name: int(found[name]) for name in known}
    assert (CLONE[machine], SOCKET[machine], SETSOCKOPT[machine], CLONE3) == tuple(
        int(found[name]) for name in ("clone", "socket", "setsockopt", "clone3")
    )
    assert int(found["socketpair"]) == {"x86_64": 53, "aarch64": 199}[machine]


def test_an_unknown_machine_is_named():
    with pytest.raises(LookupError, match="riscv64"):
        filter_program("riscv64")
