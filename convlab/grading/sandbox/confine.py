"""Inside of the sandbox: a zygote settles, and runs each job in a fork that is confined before the job's code starts.

This file is shown to the sandbox alone, without the rest of convlab: it imports the standard library and nothing else.
"""

import contextlib
import ctypes
import functools
import gc
import itertools
import json
import os
import select
import shutil
import signal
import stat
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path

if sys.platform != "win32":
    import resource

FORKS = hasattr(os, "fork")  # Windows has none: there a zygote serves one job, and ends
LINUX = sys.platform == "linux"
STACK = 8 * 2**20  # bytes of the main thread's stack
PAUSE = 20  # milliseconds between two looks at a fork
OWN_PROCESS = b"\x5e\x1f\x5e\x1f"  # in the seccomp program, where the fork's own process id belongs
DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")  # not zero: shared mappings of it count nowhere
MACHINE = ("/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu")

Most = dict[str, tuple[int, int]]  # the soft and the hard limit of a kind


@dataclass(frozen=True)
class Limits:
    """What one fork may use. Beyond it calls fail inside of the fork, or the fork is killed."""

    seconds: float = 10.0  # of the clock on the wall
    cpu_seconds: int = 10  # of all its threads together
    memory_bytes: int = 512 * 2**20  # beyond what the zygote has already
    scratch_bytes: int = 16 * 2**20  # of all its files together
    entries: int = 1000  # files and folders in its scratch
    open_files: int = 64  # a removed file that is still open counts here alone
    threads: int = 64  # beyond its first


@dataclass(frozen=True)
class End:
    """How a fork ended.

    reason: "" for by itself, the limit that it broke ("time", "threads", "scratch"), or "leash". status: its exit
    status, negative for the signal that ended it. seconds, cpu_seconds: what it took.
    """

    reason: str
    status: int
    seconds: float
    cpu_seconds: float


def settle() -> "Cage":
    """Make this process a zygote, before it imports anything that takes long or starts threads.

    Its memory becomes unreadable for its forks, what `View.hidden` names can no longer be imported, and at the level
    "landlock" it gives up all files that its view does not show. Reads what `start` wrote to standard input.
    """
    settings = json.load(sys.stdin)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    if LINUX:
        _prctl(PR_SET_DUMPABLE, 0)
    sys.meta_path.insert(0, Absent(settings["hidden"]))
    sys.path += [folder for folder in settings["packages"] if folder not in sys.path]
    cage = Cage(Path(settings["scratch"]), bytes.fromhex(settings["filter"]), settings["visible"])
    if settings["level"] == "landlock":
        readable = [*settings["readable"], *MACHINE, "/proc"]
        grants = _grants({LIST: settings["listed"], READ: readable, USE: DEVICES, WRITE: [settings["scratch"]]})
        restrict(grants)
        for grant in grants:  # hundreds, which every fork would have to close
            os.close(grant.place)
    return cage


class Absent(MetaPathFinder):
    """The modules of these names are not there, whatever the other finders would find."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


class Cage:
    """Runs jobs, one at a time, in forks of this process, each confined, watched, and cleaned up behind."""

    def __init__(self, scratch: Path, program: bytes, visible: Iterable[str]) -> None:
        self.scratch = scratch
        self.program = program
        self.zygote = os.getpid()
        self.numbers = itertools.count()
        self.grants = _grants({READ: [*visible, *MACHINE], USE: DEVICES}) if landlock() and program else []

    def run(
        self,
        job: Callable[[], object],
        limits: Limits,
        *,
        keep: Sequence[int] = (),
        lifeline: int | None = None,
        leash: int | None = None,
    ) -> End:
        """Call `job` in a confined fork, and wait for its end.

        keep: the descriptors that stay open in the fork. lifeline: a descriptor whose hanging up ends this process
        at once, and with it the fork; leash: one whose hanging up ends the fork alone. Raises RuntimeError where the
        fork could not be confined; `job` did not run then.
        """
        if not FORKS:
            start = time.monotonic(), time.process_time()
            job()
            return End("", 0, time.monotonic() - start[0], time.process_time() - start[1])
        # What can be done before the fork is cheaper here, where memory need not be copied to be written
        folder = self.scratch / str(next(self.numbers))
        folder.mkdir(0o700)
        os.environ.update(HOME=str(folder), TMPDIR=str(folder))
        tempfile.tempdir = None
        most = _measured(limits)
        gc.freeze()  # the fork's collector need not touch, and so copy, what the zygote has imported
        complaint, said = os.pipe()
        child = os.fork()
        if not child:
            self._live(job, most, folder, keep, said)
        os.close(said)
        try:
            end = watch(child, limits, folder, lifeline, leash)
            words = os.read(complaint, 1000)
        finally:
            os.close(complaint)
            empty(self.scratch)  # all of it: without Landlock a fork can write beside its folder, too
        if end.reason == "lifeline":
            os._exit(1)
        if words:
            raise RuntimeError(f"no job was run, for its fork could not be confined: {words.decode(errors='replace')}")
        return end

    def _live(self, job: Callable[[], object], most: Most, folder: Path, keep: Sequence[int], said: int) -> None:
        """The fork's whole life; it never returns."""
        status = 1
        try:
            try:
                self.confine(most, folder, [*keep, said])
            except BaseException as error:
                os.write(said, repr(error).encode()[:1000])
                raise
            os.close(said)  # before the job starts, which could complain, too
            job()
            status = 0
        finally:
            os._exit(status)

    def confine(self, most: Most, folder: Path, keep: Sequence[int]) -> None:
        """Give up, for ever, all that this fork does not need; `folder` is all that it can write to."""
        os.setsid()
        if LINUX:
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self.zygote:  # it died just before
                os._exit(1)
        os.chdir(folder)
        grants = [*self.grants, *_grants({READ: ["/proc/self"], WRITE: [str(folder)]})] if self.grants else []
        if LINUX:
            _prctl(PR_SET_NO_NEW_PRIVS, 1)
            _drop_capabilities()
        if grants:
            restrict(grants)
        _close_all_but([0, 1, 2, *keep])
        _limit(most)
        if self.program:
            filter_calls(self.program.replace(OWN_PROCESS, struct.pack("=I", os.getpid())))


def watch(child: int, limits: Limits, folder: Path, lifeline: int | None = None, leash: int | None = None) -> End:
    """Wait for the end of a fork, and kill it when it goes beyond those limits that no call enforces."""
    start = time.monotonic()
    reason = ""
    with _end_of(child) as ended:
        poller = select.poll()
        for descriptor in (lifeline, leash, ended):
            if descriptor is not None:
                poller.register(descriptor, select.POLLIN if descriptor == ended else 0)  # hanging up is always told
        while not reason:
            ready = {descriptor for descriptor, _ in poller.poll(PAUSE if ended is not None else 1)}
            pid, code, usage = os.wait4(child, os.WNOHANG)
            if pid:
                break
            if lifeline in ready:
                reason = "lifeline"
            elif leash in ready:
                reason = "leash"
            else:
                reason = _broken(child, limits, folder, time.monotonic() - start)
        else:
            os.kill(child, signal.SIGKILL)
            _, code, usage = os.wait4(child, 0)
    status, cpu = os.waitstatus_to_exitcode(code), usage.ru_utime + usage.ru_stime
    if status == -signal.SIGXCPU or (status == -signal.SIGKILL and cpu >= limits.cpu_seconds):
        reason = reason or "time"
    return End(reason, status, time.monotonic() - start, cpu)


@contextlib.contextmanager
def _end_of(child: int) -> Iterator[int | None]:
    """A descriptor that is ready when the fork has ended; None where the kernel gives none (before Linux 5.3)."""
    try:
        descriptor = os.pidfd_open(child)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _broken(child: int, limits: Limits, folder: Path, seconds: float) -> str:
    if seconds > limits.seconds:
        return "time"
    if _threads(child) > limits.threads + 1:
        return "threads"
    size, entries = used(folder, limits.entries)
    return "scratch" if size > limits.scratch_bytes or entries > limits.entries else ""


def _threads(process: int) -> int:
    """The number of its threads; 0 where that cannot be known."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[17])
    except OSError:
        return 0


# The scratch


def used(folder: Path, most: int) -> tuple[int, int]:
    """(bytes, files and folders) of a folder, counted until there are more than `most` of these."""
    size = entries = 0
    folders: list[str] = [str(folder)]
    while folders and entries <= most:
        try:
            with os.scandir(folders.pop()) as listing:
                for entry in itertools.islice(listing, most + 1 - entries):
                    entries += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            entries += 1  # it went away meanwhile
        except OSError:
            entries += most + 1  # unreadable, or too deep to be named: honest code makes no such places
    return size, entries


def empty(folder: Path) -> None:
    """Remove all that is in a folder, however deep, wide and unreadable, and follow no link.

    `shutil.rmtree` keeps one descriptor open, and one call pending, for every level: too many for a hostile tree.
    """
    if not FORKS:
        shutil.rmtree(folder)
        folder.mkdir()
        return
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    above: list[tuple[str, list[str]]] = []  # of each level above: the name of the folder entered, and those to come
    try:
        waiting = _remove_files(here)
        while waiting or above:
            if waiting:
                name = waiting.pop()
                os.chmod(name, 0o700, dir_fd=here)
                above.append((name, waiting))
                here = _move(here, name)
                waiting = _remove_files(here)
            else:
                name, waiting = above.pop()
                here = _move(here, "..")
                os.rmdir(name, dir_fd=here)
    finally:
        os.close(here)


def _remove_files(folder: int) -> list[str]:
    """Remove all but folders; their names."""
    with os.scandir(folder) as listing:
        entries = list(listing)
    folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    for name in {entry.name for entry in entries}.difference(folders):
        os.unlink(name, dir_fd=folder)
    return folders


def _move(here: int, name: str) -> int:
    """The open folder `name` of the open folder `here`, which is closed."""
    there = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
    os.close(here)
    return there


# What the fork gives up


def _measured(limits: Limits) -> Most:
    """(soft, hard) of each limit that the system keeps for a process, beyond what this one has now."""
    most = {
        "RLIMIT_CPU": (limits.cpu_seconds, limits.cpu_seconds + 1),  # a signal that can be caught, then one that kills
        "RLIMIT_FSIZE": (limits.scratch_bytes, limits.scratch_bytes),
        "RLIMIT_NOFILE": (limits.open_files, limits.open_files),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_STACK": (STACK, STACK),
    }
    size, data = _memory()
    if size:  # where it is not known, a limit would be a guess
        space = size + 2 * limits.memory_bytes + 2**32  # what is reserved and never used counts here, too
        tasks = _tasks() + limits.threads  # the user's other programs count here, too
        most["RLIMIT_DATA"] = (data + limits.memory_bytes, data + limits.memory_bytes)
        most["RLIMIT_AS"] = (space, space)
        most["RLIMIT_NPROC"] = (tasks, tasks)
    return most


def _limit(most: Most) -> None:
    for name, values in most.items():
        kind = getattr(resource, name)
        highest = resource.getrlimit(kind)[1]
        soft, hard = values if highest == resource.RLIM_INFINITY else (min(value, highest) for value in values)
        resource.setrlimit(kind, (soft, hard))


def _memory() -> tuple[int, int]:
    """(address space, private memory) of this process in bytes; zeros where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = [int(word) * os.sysconf("SC_PAGE_SIZE") for word in file.read().split()]
        return pages[0], pages[5]
    except OSError:
        return 0, 0


def _tasks() -> int:
    """All threads of this machine, and some to come."""
    try:
        with open("/proc/loadavg", "rb") as file:
            return int(file.read().split()[3].split(b"/")[1]) + 256
    except OSError:
        return 4096


def _close_all_but(keep: Sequence[int]) -> None:
    """Close all other descriptors: those that are open, for there may be room for a billion."""
    for name in os.listdir("/proc/self/fd" if LINUX else "/dev/fd"):
        if int(name) not in keep:
            with contextlib.suppress(OSError):  # the one that lists them is closed already
                os.close(int(name))


# What Linux has calls for, but Python has not

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2
CAPABILITIES_3 = 0x20080522  # the version of the structure
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the numbers of Landlock's calls, on every processor

# Landlock's rights, by name in linux/landlock.h
READ_FILE, READ_DIR = 1 << 2, 1 << 3
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, MAKE_SYM, REFER = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12, 1 << 13
LIST = READ_DIR
READ = READ_FILE | READ_DIR
USE = READ_FILE | WRITE_FILE | TRUNCATE
WRITE = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM | REFER
OF_FILES = READ_FILE | WRITE_FILE | TRUNCATE  # of all these rights, those that a single file can have
KNOWN = (13, 14, 15, 15, 16)  # how many rights of files there are, from the first version of Landlock on


@dataclass(frozen=True)
class Grant:
    """Rights to a file, or to a folder and all that is beneath. place: an open descriptor."""

    place: int
    rights: int


def _grants(paths: dict[int, Iterable[str]]) -> list[Grant]:
    """Grants of rights to paths; a path that does not exist is left out."""
    return list(itertools.starmap(Grant, _open_places(paths)))


def _open_places(paths: dict[int, Iterable[str]]) -> Iterator[tuple[int, int]]:
    for rights, places in paths.items():
        for place in places:
            with contextlib.suppress(OSError):
                descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
                yield descriptor, rights if stat.S_ISDIR(os.fstat(descriptor).st_mode) else rights & OF_FILES


@functools.cache
def landlock() -> int:
    """The version of Landlock that this kernel has; 0 for none."""
    if not LINUX:
        return 0
    return max(0, _libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1))


def restrict(grants: Iterable[Grant]) -> None:
    """Let this thread, for ever, touch no files but those granted, and with Landlock's newer versions no network,
    no abstract socket and no process outside of what it starts itself."""
    version = landlock()
    handled = (1 << KNOWN[min(version, len(KNOWN)) - 1]) - 1
    network = 0b11 if version >= 4 else 0
    scope = 0b11 if version >= 6 else 0
    attributes = struct.pack("=QQQ", handled, network, scope)
    ruleset = _call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    for grant in grants:
        rule = struct.pack("=Qi", grant.rights & handled, grant.place)
        _call(ADD_RULE, ruleset, 1, rule, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def filter_calls(program: bytes) -> None:
    """Pass every system call of this thread, for ever, through a seccomp program."""
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    _check(_libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header))


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", CAPABILITIES_3, 0)
    _check(_libc().capset(header, bytes(24)))


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    return _check(_libc().syscall(ctypes.c_long(number), *arguments))


def _prctl(option: int, value: int) -> None:
    _check(_libc().prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def _check(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
