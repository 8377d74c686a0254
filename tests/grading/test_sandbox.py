"""What runs in a sandbox can neither read, nor change, nor reach, nor outlive anything; honest code does not notice.

The probes run as whoever runs the tests, and where that is root, as an ordinary user, too.
"""

import ctypes
import errno
import itertools
import json
import os
import platform
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import probes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab import ConvlabError
from convlab.grading.sandbox import (
    CONFINE,
    Level,
    Limits,
    View,
    bubblewrap,
    confine,
    filter,
    probing,
    start,
    syscalls,
    view,
)
from convlab.grading.sandbox.hindrance import hindrance
from convlab.grading.sandbox.probing import failure

if sys.platform == "win32":
    pytest.skip("nothing here is for Windows, which has no fork", allow_module_level=True)

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are made of Linux' means")
USERS = ["me", "somebody"] if sys.platform == "linux" and os.geteuid() == 0 else ["me"]
SOMEBODY = 12345
# level, who runs it, the version of Landlock: this kernel's, the first, or none
SETTINGS = [
    *itertools.product(["bubblewrap", "landlock"], USERS, ["yes"]),
    ("bubblewrap", "me", "no"),
    ("landlock", "me", "first"),
]
LOOPS = {"loop_without_end", "deaf_loop"}  # these take seconds
SLOW = {*LOOPS, "honest_figures"}
KERAS = "honest_keras"
DISK = {"disk_is_bounded", "files_in_deep_folders", "files_in_unreadable_folders"}
ENDS = {  # (reason, status) of those that do not end by themselves
    "many_files": ("scratch", -signal.SIGKILL),
    "deep_folders": ("scratch", -signal.SIGKILL),
    "threads_without_end": ("threads", -signal.SIGKILL),
    "loop_without_end": ("time", -signal.SIGXCPU),
    "deaf_loop": ("time", -signal.SIGKILL),
    "sleep_without_end": ("time", -signal.SIGKILL),
    "sleep_on_a_leash": ("leash", -signal.SIGKILL),
    "stay_behind": ("time", -signal.SIGKILL),
    "second_set_of_calls": ("", -signal.SIGSYS),
    "crash": ("", -signal.SIGSEGV),
}


# The probes


@cache
def report(level, who, landlock, library="numpy"):
    """What came of all probes at a level; skips where this machine does not give it."""
    if failure(Level(level)):
        pytest.skip(f"no {level} here: {failure(Level(level))}")
    honest = [name for name in probes.PROBES if name.startswith("honest")]
    chosen = [KERAS] if library == "tensorflow" else [name for name in probes.PROBES if name != KERAS]
    if level == "bubblewrap":
        chosen = [name for name in chosen if name not in LOOPS]
    if (who, landlock) != ("me", "yes"):
        chosen = [name for name in chosen if name not in SLOW]
    if level == "none":  # nothing that could do harm
        chosen = [*honest, "hidden_packages_say_so", "sleep_without_end", "loop_without_end"]
        chosen.remove(KERAS)
    command = [sys.executable, probes.__file__, "outside", level, landlock, library, ",".join(chosen)]
    result = subprocess.run([*(as_somebody() if who == "somebody" else []), *command], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@cache
def as_somebody():
    """What to write before a command to run it as an ordinary user who can read this Python, wherever root keeps it."""
    needed = {Path(sys.prefix), Path(sys.base_prefix), Path(probes.__file__).parents[2]}
    ways = [path.parents[::-1] for path in needed]
    closed = {next((folder for folder in way if not folder.stat().st_mode & 0o001), None) for way in ways}
    script = ["set -e", "mount -t tmpfs none /run"]
    for number, folder in enumerate(closed - {None}):
        inside = [path for path in needed if folder in path.parents]
        script += [f"mkdir -p /run/closed{number}", f"mount --bind {folder} /run/closed{number}"]
        script += [f"mount -t tmpfs -o mode=755 none {folder}"]
        for path in inside:
            script += [f"mkdir -p {path}", f"mount --bind /run/closed{number}/{path.relative_to(folder)} {path}"]
        script += [f"umount -l /run/closed{number}"]
    script += [f'exec setpriv --reuid {SOMEBODY} --regid {SOMEBODY} --clear-groups env HOME=/nowhere "$@"']
    prefix = ["unshare", "--mount", "sh", "-c", "\n".join(script), "sh"]
    tried = subprocess.run([*prefix, sys.executable, "-c", "import convlab, numpy"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"an ordinary user cannot run this Python: {tried.stderr[-300:]}")
    return prefix


@LINUX
@pytest.mark.parametrize("name", [name for name in probes.PROBES if name not in {KERAS, *SLOW}])
@pytest.mark.parametrize(("level", "who", "landlock"), SETTINGS, ids=["-".join(setting) for setting in SETTINGS])
def test_a_fork_is_contained_and_free(level, who, landlock, name):
    check(report(level, who, landlock)[name], name, level, landlock)


@LINUX
@pytest.mark.parametrize("level", ["bubblewrap", "landlock"])
def test_figures_are_drawn(level):
    check(report(level, "me", "yes")["honest_figures"], "honest_figures", level, "yes")


@LINUX
@pytest.mark.parametrize("name", sorted(LOOPS))
def test_loops_end(name):
    check(report("landlock", "me", "yes")[name], name, "landlock", "yes")


def check(found, name, level, landlock):
    if name == "only_its_own_scratch_is_writable" and landlock == "no":
        pytest.skip("forks are kept apart by Landlock, and by being alone in their sandbox")
    if name == "second_set_of_calls" and platform.machine() != "x86_64":
        pytest.skip("only x86_64 has a second set of calls")
    if name in DISK and found["reason"]:
        assert found["reason"] == "scratch"  # watched; in bubblewrap calls fail, too
    elif name in ENDS:
        assert (found["reason"], found["status"]) == ENDS[name]
    else:
        assert (found["said"], found["reason"], found["status"]) == ([], "", 0)


@LINUX
@pytest.mark.parametrize(("level", "who", "landlock"), SETTINGS, ids=["-".join(setting) for setting in SETTINGS])
def test_the_world_is_as_it_was_and_nothing_is_left_running(level, who, landlock):
    found = report(level, who, landlock)
    assert found["zygote"] == 0
    assert found["world"] == []


@LINUX
@pytest.mark.parametrize(
    "name", ["honest_computing", "hidden_packages_say_so", "sleep_without_end", "loop_without_end"]
)
def test_without_a_sandbox_honest_code_runs_and_time_is_limited(name):
    check(report("none", "me", "yes")[name], name, "none", "yes")


@LINUX
@pytest.mark.parametrize("level", ["bubblewrap", "landlock"])
def test_keras_trains_and_saves(level):
    pytest.importorskip("keras")
    found = report(level, "me", "yes", "tensorflow")
    assert found[KERAS]["said"] == []
    assert found["world"] == []


# A zygote's life

GUARD = """
import socket, sys, time
sys.path.insert(0, sys.argv[1])
import confine
cage = confine.settle()
control, leash = (socket.socket(fileno=int(argument)) for argument in (sys.argv[2], sys.argv[2]))
control.sendall(b"ready")
limits = confine.Limits(seconds=1000)
while control.recv(1):
    end = cage.run(lambda: time.sleep(1000), limits, lifeline=control.fileno())
"""
GRADER = """
import sys
sys.path.insert(0, sys.argv[1])
import test_sandbox as tests
zygote, control = tests.guarded(tests.Level(sys.argv[2]), sys.argv[3])
control.sendall(b"x")
print("started", flush=True)
input()
"""


def guarded(level, token):
    """A zygote that sleeps in forks, and the line to it. token: by which its processes are found."""
    ours, theirs = socket.socketpair()
    arguments = ["-c", GUARD, str(CONFINE.parent), str(theirs.fileno()), token]
    zygote = start(level, arguments, View(shown=(CONFINE,)), pass_fd=theirs.fileno())
    theirs.close()
    ours.settimeout(20)
    assert ours.recv(5) == b"ready"
    return zygote, ours


def processes(token):
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if GUARD.encode() in words and token.encode() in words:
            found.append(int(place.name))
    return found


def wait_for(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(params=list(Level))
def working_level(request):
    if failure(request.param):
        pytest.skip(f"no {request.param} here: {failure(request.param)}")
    return request.param


@LINUX
def test_all_ends_with_a_grader_that_is_killed(working_level, tmp_path):
    token = f"{working_level}-{random.random()}"
    command = [sys.executable, "-c", GRADER, str(Path(__file__).parent), working_level, token]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    grader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert grader.stdout.readline() == b"started\n"
    wait_for(lambda: len(processes(token)) >= 2)  # a fork sleeps
    grader.kill()
    grader.communicate()
    wait_for(lambda: not processes(token))


@LINUX
def test_all_ends_by_the_kill_of_a_zygote_and_its_scratch_goes(working_level, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    token = f"{working_level}-{random.random()}"
    zygote, control = guarded(working_level, token)
    with control:
        control.sendall(b"x")
        wait_for(lambda: len(processes(token)) >= 2)
        zygote.kill()
        zygote.wait(20)
        wait_for(lambda: not processes(token))
    del zygote
    assert list(tmp_path.iterdir()) == []


def test_what_is_to_be_shown_must_be_there():
    for path in (Path("relative"), Path("/does/not/exist")):
        with pytest.raises(ConvlabError, match="cannot show"):
            start(Level.NONE, [], View(shown=(path,)), pass_fd=0)


@LINUX
@pytest.mark.parametrize("kind", ["venv", "venv behind a link", "base", "link", "relative link"])
def test_any_interpreter_works(kind, tmp_path):
    """Its home is a folder that the sandbox does not show."""
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "other").symlink_to(home)
    python = Path(sys.executable)
    if kind.startswith("venv"):
        where = tmp_path / ("other" if "link" in kind else "home") / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", where], check=True)
        python = where / "bin" / "python"
    elif kind == "base":
        python = Path(sys._base_executable)
    else:
        target = os.path.relpath(sys._base_executable, home) if "relative" in kind else sys._base_executable
        (home / "python").symlink_to(target)
        python = home / "python"
    code = (
        "from convlab.grading.sandbox.probing import Level, failure\n"
        "print([failure(level) for level in Level if level in sys.argv[1:]])"
    )
    folders = [str(Path(view.__file__).parents[3]), *map(str, view.package_folders())]
    working = [level for level in Level if not failure(level)]
    result = subprocess.run(
        [python, "-c", f"import sys; sys.path += {folders}; {code}", *working], capture_output=True, text=True
    )
    assert (result.stdout, result.stderr) == (f"{['' for _ in working]}\n", "")


# Levels


@pytest.mark.parametrize("level", [Level.BUBBLEWRAP, Level.LANDLOCK])
def test_no_sandbox_is_never_taken_for_one(level, monkeypatch):
    monkeypatch.setattr(filter, "build", lambda: b"")
    with pytest.raises(ConvlabError, match="no sandbox"):
        start(level, [], View(), pass_fd=0)
    monkeypatch.setattr(filter, "build", lambda: b"x" * 8)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConvlabError, match="not installed"):
        start(Level.BUBBLEWRAP, [], View(), pass_fd=0)


@LINUX
def test_a_level_works_where_its_means_are():
    """Else the probes above would be skipped where this code is broken."""
    if platform.machine() not in filter.PROCESSORS:
        pytest.skip("no filter for this processor")
    if confine.landlock():
        assert failure(Level.LANDLOCK) == ""
    bare = ["bwrap", "--unshare-user", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    if shutil.which("bwrap") and subprocess.run(bare, capture_output=True).returncode == 0:
        assert failure(Level.BUBBLEWRAP) == ""


def test_a_level_can_be_forced_down_and_says_what_it_is_worth(monkeypatch):
    assert probing.level(Level.NONE) is Level.NONE
    assert probing.level() in list(Level)
    works = {Level.NONE}
    monkeypatch.setattr(probing, "failure", lambda level: "" if level in works else "no")
    assert probing.level() is Level.NONE
    works.add(Level.LANDLOCK)
    assert probing.level() is Level.LANDLOCK
    works.add(Level.BUBBLEWRAP)
    assert [probing.level(), probing.level(Level.LANDLOCK)] == [Level.BUBBLEWRAP, Level.LANDLOCK]
    assert [level.contains for level in Level] == [True, True, False]


def test_what_does_not_start_is_no_level(monkeypatch, tmp_path):
    if failure(Level.LANDLOCK):
        pytest.skip("no sandbox here at all")
    failure.cache_clear()
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2; exit 1")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert failure(Level.BUBBLEWRAP) == "bwrap: setting up uid map: Permission denied"
    failure.cache_clear()
    # one that starts its command without any sandbox is found out
    monkeypatch.setattr(bubblewrap, "SCRATCH", str(tmp_path))
    (tmp_path / "bwrap").write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"')
    words = failure(Level.BUBBLEWRAP)
    failure.cache_clear()
    assert words == "bubblewrap shows what it should not"


HINDRANCES = {
    "missing": {},
    "container": {".dockerenv": ""},
    "limit": {"proc/sys/user/max_user_namespaces": "0\n"},
    "apparmor": {"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"},
    "bwrap: no room": {
        "proc/sys/user/max_user_namespaces": "100\n",
        "proc/sys/kernel/unprivileged_userns_clone": "1\n",
    },
}


@pytest.mark.parametrize("expected", [*HINDRANCES, "processor"])
def test_what_hinders_bubblewrap_is_known(expected, tmp_path, monkeypatch):
    for name, text in HINDRANCES.get(expected, {}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    module = sys.modules["convlab.grading.sandbox.hindrance"]
    monkeypatch.setattr(module.shutil, "which", lambda _: None if expected == "missing" else "/usr/bin/bwrap")
    monkeypatch.setattr(module.filter, "build", lambda: b"" if expected == "processor" else b"x")
    monkeypatch.setattr(module, "failure", lambda _: "bwrap: no room")
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000, raising=False)
    assert hindrance(tmp_path) == expected


def test_the_level_is_told_to_those_who_may_not_import_this():
    result = subprocess.run(
        [sys.executable, "-m", "convlab.grading.sandbox"], capture_output=True, text=True, check=True
    )
    told = json.loads(result.stdout)
    assert told["level"] == probing.level()
    assert bool(told["hindrance"]) == (told["level"] != "bubblewrap")


# The view


def test_hidden_modules_are_found_in_all_their_shapes(tmp_path, monkeypatch):
    packages = tmp_path / "lib" / "site-packages"
    for name in ("scipy", "scipy.libs", "scipyx", "a_scipy", "__pycache__"):
        (packages / name).mkdir(parents=True)
    for name in ("scipy.py", "scipy.cpython-311.so", "__pycache__/scipy.cpython-311.pyc", "scipy/x.py", "numpy.py"):
        (packages / name).touch()
    monkeypatch.setattr(sys, "path", [str(packages), "/nowhere/site-packages", str(tmp_path)])
    found = View(hidden=("scipy",)).concealed()
    names = {"scipy", "scipy.libs", "scipy.py", "scipy.cpython-311.so", "__pycache__/scipy.cpython-311.pyc"}
    assert {str(path.relative_to(packages)) for path in found} == names
    parts = dict(view.without(tmp_path, found))
    assert parts[packages] is parts[tmp_path] is False
    assert {path.name for path, whole in parts.items() if whole} == {"scipyx", "a_scipy", "numpy.py"}


def test_a_view_shows_no_home_and_no_course():
    shown = View().paths()
    for path in (Path.home(), Path(view.__file__), Path("/etc/passwd"), Path("/tmp"), Path.cwd()):
        assert not any(path == each or each in path.parents for each in shown), path
    assert any(each in Path(os.__file__).parents for each in shown)


# The filter


def run(program, number, arguments=(), processor=0xC000003E):
    """What a seccomp program says of a call, as the kernel would find it."""
    words = struct.pack("=IIQ6Q", number, processor, 0, *arguments, *[0] * (6 - len(arguments)))
    place = accumulator = 0
    while True:
        code, if_so, if_not, value = struct.unpack_from("=HBBI", program, 8 * place)
        place += 1
        if code == filter.RETURN:
            return value
        if code == filter.LOAD:
            (accumulator,) = struct.unpack_from("=I", words, value)
        elif code == filter.MASK:
            accumulator &= value
        else:
            assert code in (filter.EQUAL, filter.AT_LEAST)
            place += if_so if (accumulator == value if code == filter.EQUAL else accumulator >= value) else if_not


EPERM = filter.FAIL + errno.EPERM
TABLES = {
    "ALLOWED": filter.ALLOW,
    "PRETENDED": filter.FAIL,
    "MISSING": filter.FAIL + errno.ENOSYS,
    "UNSUPPORTED": filter.FAIL + errno.EOPNOTSUPP,
}


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    return request.param


def column(machine):
    return list(filter.PROCESSORS).index(machine)


def test_each_call_gets_its_verdict_and_all_others_fail(machine):
    program, processor = filter.build(machine), filter.PROCESSORS[machine]
    assert len(program) // 8 < 4096
    named = {}
    for table, verdict in TABLES.items():
        for numbers in getattr(syscalls, table).values():
            named[numbers[column(machine)]] = verdict
    conditional = {numbers[column(machine)] for numbers in syscalls.CONDITIONAL.values()}
    for number in set(range(600)) - conditional:
        assert run(program, number, processor=processor) == named.get(number, EPERM)
    for number in range(0, 600, 7):
        assert run(program, number, processor=0x40000003) == filter.KILL  # 32 bits
        assert run(program, number + 0x40000000, processor=processor) == filter.KILL


def test_only_linux_on_known_processors_has_a_filter(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert filter.build("riscv64") == b""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert filter.build("x86_64") == b""


THREAD_FLAGS = 0x3D0F00  # of a thread that the C library starts
CASES = [
    ("clone", [THREAD_FLAGS], True),
    ("clone", [signal.SIGCHLD], False),
    ("clone", [THREAD_FLAGS | 0x10000000], False),  # with a user namespace
    ("openat", [0, 0, os.O_RDONLY], True),
    ("openat", [0, 0, 0o1 | 0o100 | 0o1000], True),  # write, create, truncate
    ("openat", [0, 0, 0o1000], False),
    ("openat", [0, 0, 0o3], False),
    ("mmap", [0, 0, 0, 0x22], True),  # private
    ("mmap", [0, 0, 0, 0x21], False),  # shared and of no file
    ("kill", [4321], True),
    ("kill", [4322], False),
    ("kill", [0], False),
    ("kill", [2**64 - 1], False),
    ("tgkill", [4321, 5], True),
    ("prlimit64", [0, 7, 0], True),
    ("prlimit64", [0, 7, 1], False),
    ("prlimit64", [0, 7, 1 << 32], False),
    ("prlimit64", [4322, 7, 0], False),
    ("prctl", [15], True),
    ("prctl", [1], False),
    ("ioctl", [0, 0x5401], True),
    ("ioctl", [0, 0x5412], False),  # types on a terminal
    ("fcntl", [0, 8], False),
    ("sendto", [0, 0, 0, 0, 0], True),
    ("sendto", [0, 0, 0, 0, 1 << 40], False),
]


@pytest.mark.parametrize(("name", "arguments", "allowed"), CASES)
def test_some_calls_are_allowed_with_some_arguments(machine, name, arguments, allowed):
    program = filter.build(machine).replace(confine.OWN_PROCESS, struct.pack("=I", 4321))
    number = syscalls.CONDITIONAL[name][column(machine)]
    assert run(program, number, arguments, filter.PROCESSORS[machine]) == (filter.ALLOW if allowed else EPERM)


WORDS = st.integers(0, 2**64 - 1) | st.integers(0, 64) | st.sampled_from([filter.OWN, THREAD_FLAGS, 0x21, 1 << 32])


@given(st.sampled_from(sorted(filter.CONDITIONS)), st.lists(WORDS, min_size=6, max_size=6))
def test_conditions_are_met_bit_by_bit(name, arguments):
    if sys.platform != "linux":
        pytest.skip("filters are built on Linux")
    conditions = filter.CONDITIONS[name]
    met = all(arguments[each.argument] & each.mask in each.values for each in conditions)
    number = syscalls.CONDITIONAL[name][0]
    assert run(filter.build("x86_64"), number, arguments) == (filter.ALLOW if met else EPERM)


def test_every_condition_belongs_to_a_call_that_is_conditional():
    assert set(filter.CONDITIONS) == set(syscalls.CONDITIONAL)
    names = [name for table in [*TABLES, "CONDITIONAL"] for name in getattr(syscalls, table)]
    assert len(names) == len(set(names))


def test_the_numbers_are_those_of_libseccomp():
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not installed")
    for name, numbers in itertools.chain(*(getattr(syscalls, table).items() for table in [*TABLES, "CONDITIONAL"])):
        for processor, number in zip(filter.PROCESSORS.values(), numbers, strict=True):
            known = library.seccomp_syscall_resolve_name_arch(processor, name.encode())
            assert known == number or (known < 0 and (number is None or number > 440)), name


# The scratch


@pytest.mark.skipif(not confine.FORKS, reason="needs folders by descriptor")
def test_a_hostile_folder_is_emptied_and_nothing_else(tmp_path):
    outside, scratch = tmp_path / "outside", tmp_path / "scratch"
    outside.mkdir()
    (outside / "kept").touch()
    scratch.mkdir()
    (scratch / "link").symlink_to(outside)
    (scratch / "\udcff\n").touch()
    os.mkfifo(scratch / "pipe")
    for number in range(50):
        (scratch / f"wide{number}" / "x").mkdir(parents=True)
    (scratch / "closed" / "in").mkdir(parents=True)
    (scratch / "closed").chmod(0)
    here = os.open(scratch, os.O_RDONLY)
    for _ in range(5000):  # deeper than a path can say, than calls can nest, than descriptors can be open
        os.mkdir("deep", dir_fd=here)
        here = confine._move(here, "deep")
    os.close(here)
    confine.empty(scratch)
    assert list(scratch.iterdir()) == []
    assert list(outside.iterdir()) == [outside / "kept"]


def test_what_is_used_is_counted_up_to_a_bound(tmp_path):
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "x" / "y" / "file").write_bytes(bytes(100_000))
    size, entries = confine.used(tmp_path, 100)
    assert entries == 3
    assert 100_000 <= size < 200_000
    for number in range(30):
        (tmp_path / f"file{number}").touch()
    assert confine.used(tmp_path, 10)[1] == 11


def test_limits_travel_as_json():
    from dataclasses import asdict

    assert Limits(**json.loads(json.dumps(asdict(Limits(seconds=0.5))))) == Limits(seconds=0.5)
