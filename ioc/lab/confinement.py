"""Confine a process with the operating system: files, network, child processes, memory.

Each layer works on its own: Landlock (files, TCP, signals), seccomp (sockets, processes), resource limits, low
scheduling priority. Layers that this kernel lacks are skipped and reported.

This is written by hand because it must run in the process itself, between its imports and its first query, without a
helper binary.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ioc.lab.cpu_priority import read_last, step_back
from ioc.supervisor.child_processes import die_with_parent

_LIBC = ctypes.CDLL(None, use_errno=True)
_NICENESS = 5
"""Added to the niceness of the parent process."""
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 4, 38, 22
_SECCOMP_MODE_FILTER = 2

# linux/landlock.h; the three system calls have the same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_ALL_OF_1 = (1 << 13) - 1
_READING = _READ_FILE | _READ_DIR
_WRITING = _READING | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_BIND_TCP, _CONNECT_TCP = 1, 2
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2


@dataclass(frozen=True)
class Confinement:
    """What a confined process may use.

    `readable` and `writable` are files or folders; everything else is out of reach. `memory_bytes` bounds the
    address space, `file_bytes` each file that is written. `serves` permits sockets and listening, but no outgoing
    connections.
    """

    readable: Sequence[Path]
    writable: Sequence[Path]
    memory_bytes: int
    file_bytes: int
    serves: bool = False


def landlock_version() -> int:
    """Return the Landlock version of this kernel; 0 when it has none."""
    found = _LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    return max(int(found), 0)


def confine(limits: Confinement) -> list[str]:
    """Confine this process and its future children, irrevocably.

    Returns one sentence for each layer that this system lacks. Call it before threads start: Landlock holds only
    the calling thread and threads that start later.
    """
    die_with_parent()
    step_back(_NICENESS)
    read_last()
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    for number, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        resource.setrlimit(number, (most, most))
    # A file that grows beyond its limit must fail the query, not kill the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    missing = []
    if not _landlock(limits):
        missing.append("The kernel has no Landlock: files are kept apart by DuckDB's own settings alone.")
    if not _seccomp(serves=limits.serves):
        missing.append("There is no seccomp filter for this system: sockets and processes are not barred.")
    return missing


def _landlock(limits: Confinement) -> bool:
    version = landlock_version()
    if version < 1:
        return False
    files = _ALL_OF_1 | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    files |= _IOCTL_DEV if version >= 5 else 0
    network = (_CONNECT_TCP if limits.serves else _BIND_TCP | _CONNECT_TCP) if version >= 4 else 0
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if version >= 6 else 0
    attributes = struct.pack("<QQQ", files, network, scoped)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _LIBC.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        for paths, access in ((limits.readable, _READING), (limits.writable, _WRITING)):
            for path in paths:
                _allow(ruleset, path, access & files)
        return bool(_LIBC.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, access: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        access &= -1 if path.is_dir() else _OF_A_FILE
        rule = struct.pack("<Qi", access, folder)
        if _LIBC.syscall(_ADD_RULE, ruleset, ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0)):
            raise OSError(ctypes.get_errno(), f"Landlock refuses a rule for {path}")
    finally:
        os.close(folder)


# Calls denied by number: (x86_64, aarch64); None where an architecture does not have the call.
_BARRED: dict[str, tuple[int | None, int | None]] = {
    "connect": (42, 203),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "mount": (165, 40),
    "umount2": (166, 39),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "setns": (308, 268),
    "unshare": (272, 97),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "memfd_create": (319, 279),
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchownat": (260, 54),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
}
_NOT_WHILE_SERVING = ("sendto", "sendmsg")
_SOCKETS: dict[str, tuple[int, int]] = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "bind": (49, 200),
    "listen": (50, 201),
}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _DENY, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


def _seccomp(*, serves: bool) -> bool:
    """Deny new sockets, processes and the like with EPERM; threads are allowed."""
    if platform.machine() not in _ARCHITECTURES:
        return False
    place, architecture = _ARCHITECTURES[platform.machine()]
    barred = [numbers[place] for name, numbers in _BARRED.items() if not (serves and name in _NOT_WHILE_SERVING)]
    if not serves:
        barred += [numbers[place] for numbers in _SOCKETS.values()]
    program = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _DENY | errno.ENOSYS),
        # glibc tries clone3 first and falls back to clone, whose flags seccomp can read.
        (_EQUAL, 0, 1, _CLONE3[place]),
        (_RETURN, 0, 0, _DENY | errno.ENOSYS),
        (_EQUAL, 0, 4, _CLONE[place]),
        (_LOAD, 0, 0, 16),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _DENY | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    for number in barred:
        if number is not None:
            program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _DENY | errno.EPERM)]
    program.append((_RETURN, 0, 0, _ALLOW))
    code = b"".join(struct.pack("<HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    filters = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(buffer))
    return bool(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(filters, 16), 0, 0) == 0)
