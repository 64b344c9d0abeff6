"""Confine the process that reads one document: bounded memory and time, and no system call but those of computing.

Once confined it opens no file, starts no process and makes no socket: what a hostile document might bring it to do ends at an
error. It can read its input, which has come, and write its answer. Where the system cannot confine it, it does not read.
"""

import ctypes
import os
import platform
import resource
import struct

_SET_NO_NEW_PRIVS, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
"""Let it through; EPERM; end the process."""
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
"""BPF: load a word, jump if equal, return."""
_NUMBER, _ARCHITECTURE = 0, 4
"""Offsets in `struct seccomp_data`."""
_X86_64 = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
    "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25, "madvise": 28, "exit": 60,
    "futex": 202, "restart_syscall": 219, "clock_gettime": 228, "exit_group": 231, "getrandom": 318,
}  # fmt: skip
_AARCH64 = {
    "close": 57, "lseek": 62, "read": 63, "write": 64, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98,
    "clock_gettime": 113, "sched_yield": 124, "restart_syscall": 128, "rt_sigaction": 134, "rt_sigprocmask": 135,
    "rt_sigreturn": 139, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233, "getrandom": 278,
}  # fmt: skip
_SYSTEMS = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
"""Machine to its AUDIT_ARCH and the system calls that are let through."""
_POLITE = 5
"""Niceness: guards and models go first."""


class UnconfinedError(Exception):
    """This system cannot confine a process."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def bound(memory: int, seconds: int) -> None:
    """Bound memory and processor time from now on; nothing is written to a file, and no core is kept."""
    os.nice(_POLITE)
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def seal() -> None:
    """Refuse every system call but those of computing, for good. Raises UnconfinedError."""
    system = _SYSTEMS.get(platform.machine()) if platform.system() == "Linux" else None
    if system is None:
        raise UnconfinedError
    rules = _filter(*system)
    program = _Program(len(rules) // 8, rules)
    call = ctypes.CDLL(None, use_errno=True).prctl
    if call(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or call(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        raise UnconfinedError


def _filter(architecture: int, allowed: dict[str, int]) -> bytes:
    """The filter as BPF: another architecture's call ends the process, one that is not listed fails."""
    rules = [_rule(_LOAD, _ARCHITECTURE), _rule(_EQUAL, architecture, 1), _rule(_RETURN, _KILL), _rule(_LOAD, _NUMBER)]
    numbers = sorted(allowed.values())
    rules += [_rule(_EQUAL, number, len(numbers) - at) for at, number in enumerate(numbers)]
    return b"".join((*rules, _rule(_RETURN, _REFUSE), _rule(_RETURN, _ALLOW)))


def _rule(code: int, value: int, then: int = 0) -> bytes:
    """One instruction: `then` is how many are passed over where it holds."""
    return struct.pack("HBBI", code, then, 0, value)
