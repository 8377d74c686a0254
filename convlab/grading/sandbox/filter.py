"""Build the seccomp program that decides which system calls a confined fork may make.

A table of the calls and a few lines of assembler, rather than libseccomp through its bindings: the machine needs no
further library, and the whole policy can be read here and in `syscalls`.

The program is classic BPF, the kernel's smallest virtual machine: load a word of the call's description (its number,
the processor, an argument), compare, jump forward, return a verdict. What is not allowed fails with EPERM rather than
ending the process, so that libraries can do without.
"""

import errno
import platform
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from convlab.grading.sandbox import syscalls
from convlab.grading.sandbox.confine import OWN_PROCESS

PROCESSORS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_... in linux/audit.h
X32 = 0x40000000  # the numbers of x86's second set of calls begin here; nothing needs it
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_... in linux/seccomp.h; FAIL + an errno
NUMBER, PROCESSOR, ARGUMENTS = 0, 4, 16  # places in struct seccomp_data
LOAD, MASK, RETURN = 0x20, 0x54, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_ALU|BPF_AND|BPF_K, BPF_RET|BPF_K
EQUAL, AT_LEAST = 0x15, 0x35  # BPF_JMP|BPF_JEQ|BPF_K, BPF_JMP|BPF_JGE|BPF_K
WORD, POINTER = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
OWN = struct.unpack("=I", OWN_PROCESS)[0]


@dataclass(frozen=True)
class Condition:
    """Of a call's argument, the bits in `mask` must have one of these values."""

    argument: int
    mask: int
    values: tuple[int, ...]


CLONE_THREAD, CLONE_NEW = 0x00010000, 0x7E020080  # the second: all namespaces
O_ACCMODE, O_WRONLY, O_RDWR, O_TRUNC = 0o3, 0o1, 0o2, 0o1000
# Landlock knows of truncating since its third version only: without it, who may read could also truncate
NO_TRUNCATION = (0, O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_RDWR | O_TRUNC)
MAP_SHARED, MAP_ANONYMOUS = 0x01, 0x20

CONDITIONS = {
    "clone": [Condition(0, CLONE_THREAD | CLONE_NEW, (CLONE_THREAD,))],  # threads, but no processes
    "open": [Condition(1, O_ACCMODE | O_TRUNC, NO_TRUNCATION)],
    "openat": [Condition(2, O_ACCMODE | O_TRUNC, NO_TRUNCATION)],
    # duplicate; close on exec; flags; locks; the size of a pipe. Owners and signals of a file would reach others
    "fcntl": [Condition(1, WORD, (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032))],
    # is it a terminal, and how wide; blocking; how much is there to read; close on exec
    "ioctl": [Condition(1, WORD, (0x5401, 0x802C542A, 0x5413, 0x5421, 0x541B, 0x5450, 0x5451))],
    "mmap": [Condition(3, MAP_SHARED | MAP_ANONYMOUS, (0, MAP_SHARED, MAP_ANONYMOUS))],  # no limit counts both together
    "kill": [Condition(0, WORD, (OWN,))],
    "tgkill": [Condition(0, WORD, (OWN,))],
    "prlimit64": [Condition(0, WORD, (0,)), Condition(2, POINTER, (0,))],  # look at its own limits
    "prctl": [Condition(0, WORD, (3, 15, 16))],  # is it dumpable; the name of the thread
    "sendto": [Condition(4, POINTER, (0,))],  # to the other end, and nowhere else
    "sched_setaffinity": [Condition(0, WORD, (0,))],
}


def build(machine: str | None = None) -> bytes:
    """The program for a processor (by default this machine's), or nothing where its calls are not known.

    It holds `OWN_PROCESS` where the id of the confined process is to be put.
    """
    machine = machine or platform.machine()
    if machine not in PROCESSORS or sys.platform != "linux" or sys.maxsize < 2**32:
        return b""
    return b"".join(_program(machine))


def _program(machine: str) -> Iterator[bytes]:
    yield _load(PROCESSOR)
    yield _jump(EQUAL, PROCESSORS[machine], 1, 0)
    yield _return(KILL)
    yield _load(NUMBER)
    yield _jump(AT_LEAST, X32, 0, 1)
    yield _return(KILL)
    column = list(PROCESSORS).index(machine)
    for table, verdict in (
        (syscalls.CONDITIONAL, ALLOW),
        (syscalls.ALLOWED, ALLOW),
        (syscalls.PRETENDED, FAIL),
        (syscalls.MISSING, FAIL + errno.ENOSYS),
        (syscalls.UNSUPPORTED, FAIL + errno.EOPNOTSUPP),
    ):
        for name, numbers in table.items():
            number = numbers[column]
            if number is not None:
                block = [code for condition in CONDITIONS.get(name, ()) for code in _check(condition)]
                block.append(_return(verdict))
                yield _jump(EQUAL, number, 0, len(block))
                yield from block
    yield _return(FAIL + errno.EPERM)


def _check(condition: Condition) -> Iterator[bytes]:
    """Go on where the argument is as it should be; else the call fails. Each half of its 64 bits by itself."""
    for half in (0, 1):
        mask = condition.mask >> 32 * half & WORD
        if not mask:
            continue
        yield _load(ARGUMENTS + 8 * condition.argument + 4 * half)  # both processors are little-endian
        yield _pack(MASK, mask)
        values = sorted({value >> 32 * half & WORD for value in condition.values})
        for left, value in zip(range(len(values), 0, -1), values, strict=True):
            yield _jump(EQUAL, value, left, 0)
        yield _return(FAIL + errno.EPERM)


def _load(place: int) -> bytes:
    return _pack(LOAD, place)


def _return(verdict: int) -> bytes:
    return _pack(RETURN, verdict)


def _jump(test: int, value: int, if_so: int, if_not: int) -> bytes:
    """Skip so many instructions."""
    return _pack(test, value, if_so, if_not)


def _pack(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
