"""A system-call allow-list for a process that computes: it may use memory, read files and time, and end itself.

Loaded inside the sandbox beside `server.py`, so it imports nothing of the project. Whatever is not listed fails with
EPERM: no process, thread, socket, signal to others, trace, mount, keyring or limit can be made or changed.
"""

from __future__ import annotations

import ctypes
import platform
import struct

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_SECCOMP_MODE_FILTER = 2
_RET_KILL_PROCESS, _RET_ERRNO, _RET_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_EPERM = 1
_LOAD_WORD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_X32_BIT = 0x40000000

# read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64 readv writev
# sched_yield mremap madvise nanosleep getpid exit uname getcwd gettimeofday getrusage times getuid getgid geteuid
# getegid sigaltstack gettid futex sched_getaffinity getdents64 clock_gettime clock_getres clock_nanosleep exit_group
# openat newfstatat readlinkat faccessat getrandom statx rseq faccessat2 ppoll pselect6; on x86_64 older forms.
_ALLOWED = {
    "x86_64": (
        0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 20, 24, 25, 28, 35, 39, 60, 63, 79, 96, 98, 100, 102, 104,
        107, 108, 131, 186, 202, 204, 217, 228, 229, 230, 231, 257, 262, 267, 269, 318, 332, 334, 439, 271, 270,
        4, 6, 7, 21, 23, 89,
    ),
    "aarch64": (
        63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 67, 65, 66, 124, 216, 233, 101, 172, 93, 160, 17, 169,
        165, 153, 174, 176, 175, 177, 132, 178, 98, 123, 61, 113, 114, 115, 94, 56, 79, 78, 48, 278, 291, 293, 439, 73,
        72,
    ),
}  # fmt: skip
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def supported() -> bool:
    """Return whether this machine's system calls are known here."""
    return platform.machine() in _ALLOWED


def filter_program(machine: str) -> bytes:
    """Return the BPF program for a machine type (`x86_64` or `aarch64`).

    Raises:
        KeyError: the machine's system calls are not known.
    """
    numbers = _ALLOWED[machine]
    refuse, allow = _RET_ERRNO | _EPERM, _RET_ALLOW
    # seccomp_data: the call's number at offset 0, the architecture at 4.
    lines = [
        (_LOAD_WORD, 0, 0, 4),
        (_JUMP_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _RET_KILL_PROCESS),
        (_LOAD_WORD, 0, 0, 0),
        (_JUMP_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, refuse),
    ]
    for number in numbers:
        lines += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, allow)]
    lines.append((_RETURN, 0, 0, refuse))
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def install() -> None:
    """Put this process under the allow-list, for good.

    Raises:
        OSError: the kernel refuses.
    """
    program = filter_program(platform.machine())
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = (ctypes.c_int, *([ctypes.c_ulong] * 4))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    described = _Program(len(program) // 8, program)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(described), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
