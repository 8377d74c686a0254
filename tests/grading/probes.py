"""Code that tries to get out of a sandbox, code that tries to break it, and honest code that must run in it.

`probes.py outside LEVEL LANDLOCK` is the grader: it makes a small world with a secret, starts a zygote at that level,
lets it run every probe in a fork of its own, and prints what came of each, as JSON. LANDLOCK: "yes", or "first" or "no"
to pretend that the kernel has its first version or none. `probes.py inside ...` is the zygote.
"""

import contextlib
import ctypes
import importlib
import importlib.util
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

SECRET = "the secret of the world outside"
HIDDEN, HIDDEN_FILE = "scipy", "pylab"  # installed, and hidden: a folder and a single file
LIMITS = {"seconds": 20, "cpu_seconds": 10, "memory_bytes": 200 * 2**20, "scratch_bytes": 4 * 2**20, "threads": 40}
PROBES = {}
THREAD, SIGCHLD = 0x10000, 17


def probe(function):
    PROBES[function.__name__] = function
    return function


def through(**attempts):
    """Which of these were not stopped, and what they gave."""
    found = []
    for name, attempt in attempts.items():
        with contextlib.suppress(OSError, ImportError, ValueError):
            found.append(f"{name}: {attempt()!r}"[:200])
    return found


def system_call(number, *arguments):
    process = os.getpid()
    result = libc().syscall(ctypes.c_long(number), *arguments)
    if os.getpid() != process:  # it forked
        os._exit(0)
    if result < 0:
        raise OSError(ctypes.get_errno(), number)
    return result


def libc():
    return ctypes.CDLL(None, use_errno=True)


def read(path):
    with open(path, "rb") as file:
        return file.read(100)


def write(path, mode="w"):
    with open(path, mode) as file:
        file.write("changed")


# Files


@probe
def files_outside_are_not_read(world):
    secret = world["secret"]
    os.symlink(secret, "link")
    return through(
        secret=lambda: read(secret),
        cwd=lambda: read(world["gradebook"]),
        list=lambda: os.listdir(world["folder"]),
        passwd=lambda: read("/etc/passwd"),
        shadow=lambda: read("/etc/shadow"),
        hosts=lambda: read("/etc/hosts"),
        home=lambda: (os.listdir("/home"), os.listdir("/home/..")),
        link=lambda: read("link"),
        root=lambda: read(f"/proc/self/root{secret}"),
        hard=lambda: os.link(secret, "hard"),
        up=lambda: read("../" * 20 + secret),
        by_handle=lambda: read(f"/proc/self/fd/{os.open(secret, os.O_PATH)}"),
        relative=lambda: read(os.path.relpath(secret)),
        mapped=lambda: mmap.mmap(os.open(secret, os.O_RDONLY), 0, prot=mmap.PROT_READ)[:],
        executable=lambda: ctypes.CDLL(secret),
        disk=lambda: read("/dev/vda"),
        memory=lambda: read("/dev/mem"),
        kernel=lambda: read("/proc/kcore"),
        disks=lambda: os.listdir("/sys/block"),
        tests=lambda: read(Path(__file__).with_name("test_sandbox.py")),
    )


@probe
def files_outside_are_not_changed(world):
    """Some of these calls say that they succeed, and do nothing: the world is looked at afterwards."""
    book, folder = world["gradebook"], world["folder"]
    library = os.__file__
    for target in (book, library):
        for change in (
            lambda path: os.chmod(path, 0),
            lambda path: os.chown(path, 12345, 12345),
            lambda path: os.utime(path, (0, 0)),
            lambda path: os.fchmod(os.open(path, os.O_RDONLY), 0),
            lambda path: os.utime(os.open(path, os.O_RDONLY), (0, 0)),
        ):
            with contextlib.suppress(OSError):
                change(target)
    return through(
        write=lambda: write(book),
        append=lambda: write(book, "a"),
        truncate=lambda: os.truncate(book, 0),
        while_reading=lambda: os.open(book, os.O_RDONLY | os.O_TRUNC),
        library=lambda: write(library),
        library_while_reading=lambda: os.open(library, os.O_RDONLY | os.O_TRUNC),
        neither=lambda: os.open(library, os.O_WRONLY | os.O_RDWR),
        remove=lambda: os.unlink(book),
        replace=lambda: os.replace(book, f"{book}2"),
        over=lambda: (write("own"), os.replace("own", book)),
        attribute=lambda: os.setxattr(book, "user.x", b"x"),
        new=lambda: write(f"{folder}/new"),
        unnamed=lambda: os.open(folder, os.O_TMPFILE | os.O_WRONLY),
        unnamed_in_library=lambda: os.open(os.path.dirname(library), os.O_TMPFILE | os.O_WRONLY),
        new_folder=lambda: os.mkdir(f"{folder}/new"),
        new_link=lambda: os.symlink("x", f"{folder}/new"),
        in_library=lambda: write(Path(library).with_name("new.py")),
        in_packages=lambda: write(Path(world["hidden"]).with_name("new.py")),
        in_hidden=lambda: write(f"{world['hidden']}/new.py"),
        temporary=lambda: write("/tmp/new"),
        shared=lambda: write("/dev/shm/new"),
        device=lambda: write("/dev/new"),
        root=lambda: write("/new"),
        process=lambda: os.open("/proc/self/oom_score_adj", os.O_WRONLY),
        itself=lambda: os.open("/proc/self/mem", os.O_RDWR),
        setting=lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY),
        trigger=lambda: os.open("/proc/sysrq-trigger", os.O_WRONLY),
        processes=lambda: openable("/proc"),
        machine=lambda: openable("/sys"),
        immutable=lambda: ioctl(os.open(library, os.O_RDONLY), 0x40086602, bytes(8)),
    )


def openable(place):
    """The files in a folder that can be opened for writing."""
    found = []
    for path in Path(place).rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and path.parent.name != "fd":  # its own standard output
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                found.append(str(path))
    if not found:
        raise FileNotFoundError(place)
    return found


def ioctl(*arguments):
    import fcntl

    return fcntl.ioctl(*arguments)


@probe
def only_its_own_scratch_is_writable(world):
    above = Path.cwd().parent
    return through(
        beside=lambda: write(above / "beside"),
        neighbour=lambda: os.mkdir(above / "neighbour"),
        itself=lambda: os.replace(Path.cwd(), above / "moved"),
        list=lambda: os.listdir(above),
    )


@probe
def scratch_is_empty_at_first(world):
    found = os.listdir(".")
    write("left behind")
    return found


@probe
def hidden_packages_are_not_there(world):
    place = Path(world["hidden"])
    single = place.with_name(f"{HIDDEN_FILE}.py")
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "Absent"]

    def load():
        specification = importlib.util.spec_from_file_location(HIDDEN, place / "__init__.py")
        specification.loader.exec_module(importlib.util.module_from_spec(specification))

    return through(
        imported=lambda: importlib.import_module(f"{HIDDEN}.linalg"),
        version=lambda: importlib.import_module(f"{HIDDEN}.version"),
        file=lambda: read(place / "__init__.py"),
        loaded=load,
        single=lambda: read(single) or read("/nothing"),  # nothing is in it
        compiled=lambda: (
            [read(file) or read("/nothing") for file in single.parent.glob(f"__pycache__/{HIDDEN_FILE}.*")]
            or read("/nothing")
        ),
        checkout=lambda: importlib.import_module("convlab.geometry"),
        libraries=lambda: [read(file) for file in (*place.parent.glob(f"{HIDDEN}.libs/*"), "/nothing")],
    )


@probe
def hidden_packages_say_so(world):
    with contextlib.suppress(ModuleNotFoundError):
        return [importlib.import_module(HIDDEN)]
    with contextlib.suppress(ModuleNotFoundError):
        return [importlib.import_module(f"{HIDDEN_FILE}.something")]
    return []


@probe
def devices_and_pipes_are_not_made(world):
    import stat

    return through(
        device=lambda: os.mknod("device", 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
        disk=lambda: os.mknod("disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0)),
        pipe=lambda: os.mkfifo("pipe"),
        socket=lambda: os.mknod("socket", 0o600 | stat.S_IFSOCK),
    )


@probe
def files_do_not_become_setuid(world):
    write("program")
    os.chmod("program", 0o4755)
    os.mkdir("folder", 0o7777)
    return [oct(os.stat(name).st_mode) for name in ("program", "folder") if os.stat(name).st_mode & 0o6000]


# Processes


@probe
def no_process_is_started(world):
    return through(
        fork=os.fork,
        forkpty=os.forkpty,
        execute=lambda: os.execv(sys.executable, [sys.executable]),
        spawn=lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {}),
        run=lambda: subprocess.run([sys.executable, "-c", ""]),
        shell=lambda: os.system("true") and read("/nothing"),
        process=lambda: system_call(world["calls"]["clone"], SIGCHLD, 0, 0, 0, 0),
        like_vfork=lambda: system_call(world["calls"]["clone"], 0x4000 | SIGCHLD, 0, 0, 0, 0),
        thread_in_namespace=lambda: system_call(world["calls"]["clone"], THREAD | 0x10000000, 0, 0, 0, 0),
        clone3=lambda: system_call(world["calls"]["clone3"], bytes(88), 88),
        leave=os.setsid,
    )


@probe
def every_other_call_fails(world):
    """All numbers that the filter does not name, whatever they mean."""
    wrong = []
    for number in set(range(500)) - set(world["named"]) - {335, 336}:  # these two are the kernel's own, and end it
        try:
            wrong.append((number, system_call(number, 0, 0, 0, 0, 0, 0)))
        except PermissionError:
            pass
        except OSError as error:
            wrong.append((number, str(error)))
    return wrong


@probe
def other_processes_are_not_looked_into(world):
    names = ("mem", "environ", "maps", "smaps", "auxv", "stack", "pagemap", "syscall", "io")
    found = []
    for process in {os.getppid(), *world["processes"]}:
        place = f"/proc/{process}"
        for name in names:
            found += through(**{f"{process} {name}": lambda path=f"{place}/{name}": read(path) or read("/nothing")})
        for name in ("exe", "cwd", "root", "ns/pid", "fd/0"):
            found += through(**{f"{process} {name}": lambda path=f"{place}/{name}": os.readlink(path)})
        found += through(
            descriptors=lambda place=place: [os.open(f"{place}/fd/{each}", 0) for each in os.listdir(f"{place}/fd")],
            threads=lambda place=place: read(f"{place}/task/{place}/mem"),
            working_folder=lambda place=place: os.listdir(f"{place}/cwd"),
        )
    return found


@probe
def other_processes_are_not_listed(world):
    try:
        seen = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
    except OSError:
        return []
    return sorted(seen.intersection(world["processes"]) - {1, os.getpid()})


@probe
def other_processes_are_not_touched(world):
    import fcntl
    import resource

    zygote, victim = os.getppid(), world["victim"]
    reader, _ = os.pipe()
    found = []
    for target in (zygote, victim, world["grader"], 1, 0, -1):
        found += through(
            kill=lambda target=target: os.kill(target, signal.SIGKILL),
            exists=lambda target=target: os.kill(target, 0),
            owner=lambda target=target: fcntl.fcntl(reader, fcntl.F_SETOWN, target),
        )
    for target in (zygote, victim, world["grader"]):
        found += through(
            group=lambda target=target: os.killpg(target, signal.SIGKILL),
            limit=lambda target=target: resource.prlimit(target, resource.RLIMIT_CPU, (1, 1)),
            look=lambda target=target: resource.prlimit(target, resource.RLIMIT_CPU),
            priority=lambda target=target: os.setpriority(os.PRIO_PROCESS, target, 19),
            processors=lambda target=target: os.sched_setaffinity(target, [0]),
            handle=lambda target=target: os.pidfd_open(target),
            trace=lambda target=target: libc().ptrace(16, target, 0, 0) and read("/nothing"),
        )
    return found + through(signal=lambda: fcntl.fcntl(reader, 10, signal.SIGKILL))  # F_SETSIG


@probe
def signals_to_itself_arrive(world):
    got = []
    signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.raise_signal(signal.SIGUSR1)
    return [] if got == [1, 1] else [got]


# Network


@probe
def no_socket_is_opened(world):
    kinds = {"inet": socket.AF_INET, "inet6": socket.AF_INET6, "unix": socket.AF_UNIX, "netlink": socket.AF_NETLINK}
    kinds |= {"packet": socket.AF_PACKET, "alg": socket.AF_ALG, "vsock": socket.AF_VSOCK}
    attempts = {}
    for name, family in kinds.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            attempts[f"{name} {kind}"] = lambda family=family, kind=kind: socket.socket(family, kind)
    return through(
        **attempts,
        pair=socket.socketpair,
        tcp=lambda: socket.create_connection(("127.0.0.1", world["port"]), 2),
        name=lambda: socket.getaddrinfo("localhost", 80),
        resolver=lambda: socket.gethostbyname("example.com"),
    )


@probe
def its_one_socket_leads_nowhere_else(world):
    import array

    with socket.socket(fileno=os.dup(world["line"])) as line:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]
        return through(
            address=lambda: line.sendto(b"x", b"\0" + world["abstract"].encode()),
            rights=lambda: line.sendmsg([b"x"], rights),
            option=lambda: line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1),
            bind=lambda: line.bind(b"\0new"),
            connect=lambda: line.connect(b"\0" + world["abstract"].encode()),
        )


@probe
def nothing_else_is_open(world):
    return sorted({int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2, world["line"]})[1:]  # one lists


# Power


@probe
def limits_and_rights_are_not_raised(world):
    import resource

    before = {kind: resource.getrlimit(kind) for kind in range(16)}
    raised = through(
        hard=lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
        soft=lambda: resource.setrlimit(resource.RLIMIT_CPU, before[resource.RLIMIT_CPU][::-1]),
        own=lambda: resource.prlimit(os.getpid(), resource.RLIMIT_NOFILE, (4096, 4096)),
        death=lambda: libc().prctl(1, 0) and read("/nothing"),
        dumpable=lambda: libc().prctl(4, 1, 0, 0, 0) and read("/nothing"),
        user=lambda: os.setuid(0),
        other_user=lambda: os.setresuid(1, 1, 1),
        group=lambda: os.setgid(0),
        groups=lambda: os.setgroups([]),
        nice=lambda: os.nice(-5),
        root=lambda: os.chroot("."),
    )
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    raised += [name for name in ("CapPrm", "CapEff", "CapInh", "CapAmb") if int(status[name], 16)]
    return raised + [kind for kind in range(16) if resource.getrlimit(kind) != before[kind]]


@probe
def its_environment_tells_nothing(world):
    known = {"PATH", "HOME", "TMPDIR", "LANG", "PWD", "LC_CTYPE"}
    told = [name for name in os.environ if name not in known and ("CONVLAB" in name or SECRET in os.environ[name])]
    return told + [name for name in ("HOME", "TMPDIR") if os.environ[name] != os.getcwd()]


# Bombs. What the grader sees of them is how they end.


@probe
def memory_is_bounded(world):
    held, size = [], 0
    with contextlib.suppress(MemoryError):
        while size < 2**31:
            held.append(bytearray(2**24))
            size += 2**24
    del held
    return [] if size < 300 * 2**20 else [size]


@probe
def shared_memory_is_bounded(world):
    def take():
        held, size = [], 0
        while size < 2**30:
            held.append(mmap.mmap(-1, 2**24))
            held[-1].write(bytes(2**24))
            size += 2**24
        return size

    def take_zeros():
        with open("/dev/zero", "r+b") as file:
            return mmap.mmap(file.fileno(), 2**24)[0]

    return through(anonymous=take, zeros=take_zeros)


@probe
def disk_is_bounded(world):
    """One file after another."""
    size = 0
    try:
        for number in range(2000):
            with open(f"file{number}", "wb", 0) as file:
                size += file.write(bytes(2**20))
    except OSError:
        pass
    return [] if size < 100 * 2**20 else [size]


@probe
def large_files_are_bounded(world):
    size = 0
    with contextlib.suppress(OSError), open("large", "wb", 0) as file:
        while size < 2**26:
            size += file.write(bytes(2**16))
    os.unlink("large")
    return [] if size <= LIMITS["scratch_bytes"] else [size]


@probe
def many_files(world):
    for number in range(10**6):
        open(f"file{number}", "w").close()


@probe
def deep_folders(world):
    for _ in range(10**6):
        os.mkdir("x")
        os.chdir("x")


@probe
def files_in_deep_folders(world):
    for _ in range(20):  # deeper than a path can say
        os.mkdir("x" * 255)
        os.chdir("x" * 255)
    return disk_is_bounded(world)


@probe
def files_in_unreadable_folders(world):
    os.mkdir("x", 0o300)
    os.chdir("x")
    return disk_is_bounded(world)


@probe
def threads_without_end(world):
    threading.stack_size(2**16)
    event = threading.Event()
    with contextlib.suppress(RuntimeError):
        for _ in range(3000):
            threading.Thread(target=event.wait, daemon=True).start()
    time.sleep(10)


@probe
def loop_without_end(world):
    while True:
        pass


@probe
def deaf_loop(world):
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass


@probe
def sleep_without_end(world):
    time.sleep(1000)


@probe
def sleep_on_a_leash(world):
    """The grader lets go."""
    time.sleep(1000)


@probe
def stay_behind(world):
    """The first thread ends alone; another goes on."""
    threading.Thread(target=time.sleep, args=[1000]).start()
    system_call(world["calls"]["exit"], 0)


@probe
def second_set_of_calls(world):
    system_call(0x40000000 + 39)  # x86's


@probe
def crash(world):
    ctypes.string_at(0)


@probe
def scratch_is_whole_again(world):
    """After all that was done to it."""
    write("left behind")
    with open("large", "wb") as file:
        file.write(bytes(LIMITS["scratch_bytes"] - 2**16))
    return sorted(set(os.listdir(".")) - {"left behind", "large"})


@probe
def descriptors_are_bounded(world):
    held = []
    with contextlib.suppress(OSError):
        while len(held) < 5000:
            held.append(os.open("/dev/null", os.O_RDONLY))
    return [] if len(held) < 200 else [len(held)]


# Honest


@probe
def honest_files(world):
    import shutil
    import sqlite3
    import zipfile

    import numpy as np

    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as file:
        assert folder.startswith(os.getcwd())
        file.write(b"x")
        np.savez(f"{folder}/a.npz", a=np.arange(3))
        np.save(f"{folder}/a.npy", np.arange(3))
        assert np.load(f"{folder}/a.npy", mmap_mode="r").sum() == 3
        shutil.copy(f"{folder}/a.npz", f"{folder}/b.npz")
        shutil.copy2(f"{folder}/a.npz", f"{folder}/c.npz")
        os.makedirs(f"{folder}/d/e")
        shutil.move(f"{folder}/b.npz", f"{folder}/d/e/b.npz")
        shutil.copytree(f"{folder}/d", f"{folder}/f")
        with zipfile.ZipFile(f"{folder}/f/e/b.npz") as archive:
            archive.extractall(folder)
        Path(folder, "touched").touch()
        Path(folder, "touched").touch()
        with sqlite3.connect(f"{folder}/data.db") as database:
            database.execute("create table t (x)")
            database.execute("insert into t values (1)")
        database.close()
        with open(f"{folder}/a.npz", "r+b") as shrunk:
            shrunk.truncate(3)
    with open(os.devnull, "w") as null:
        print("x", file=null)
    return []


@probe
def honest_computing(world):
    import concurrent.futures
    import random
    import warnings

    import numpy as np

    np.linalg.svd(np.random.default_rng(0).normal(size=(100, 100)))
    np.fft.fft2(np.ones((64, 64)))
    random.random()
    os.urandom(3)
    time.sleep(0.001)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("a warning", stacklevel=1)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(abs, range(100))) == 4950
    timer = threading.Timer(0.001, print)
    timer.start()
    timer.join()
    assert os.cpu_count()
    assert json.loads(json.dumps([1]))
    with contextlib.suppress(RecursionError):
        recursion = lambda n: recursion(n + 1)  # noqa: E731
        recursion(0)
    assert importlib.import_module("decimal").Decimal(1)
    return []


@probe
def honest_looking_around(world):
    import datetime
    import getpass
    import platform
    import shutil
    import sysconfig

    platform.platform()
    platform.uname()
    datetime.datetime.now().astimezone()
    shutil.disk_usage(".")
    shutil.get_terminal_size()
    sysconfig.get_paths()
    os.path.expanduser("~")
    Path.home()
    os.getloadavg()
    with contextlib.suppress(OSError, KeyError):
        getpass.getuser()
    assert importlib.import_module("importlib.metadata").version("numpy")
    assert sys.stdin.read() == "" or True
    assert not sys.stdout.isatty()
    return []


@probe
def honest_figures(world):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2, 3], label="a")
    axes.legend()
    figure.savefig("figure.png")
    figure.savefig("figure.svg")
    plt.show()
    return []


@probe
def honest_keras(world):
    import h5py
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.layers.Input((8, 8, 1)), *layers])
    model.compile("adam", "mse")
    images, targets = np.ones((64, 8, 8, 1)), np.ones((64, 2))
    model.fit(images, targets, epochs=2, verbose=0, validation_split=0.2)
    model.save("model.keras")
    model.save("model.h5")
    model.save_weights("model.weights.h5")
    again = keras.saving.load_model("model.keras")
    np.testing.assert_allclose(again.predict(images, verbose=0), model.predict(images, verbose=0), rtol=1e-5)
    with h5py.File("model.h5") as file:
        assert len(file)
    return []


# Inside: the zygote


def inside(folder, descriptor, landlock, library):
    sys.path.insert(0, folder)
    confine = importlib.import_module("confine")
    if landlock != "yes":
        confine.landlock = lambda: {"first": 1, "no": 0}[landlock]
    cage = confine.settle()
    if library:
        importlib.import_module(library)
    control = socket.socket(fileno=int(descriptor))
    while True:
        message, descriptors, *_ = socket.recv_fds(control, 4096, 1)
        if not message:
            break
        line = socket.socket(fileno=descriptors[0])
        limits = confine.Limits(**json.loads(message))
        end = cage.run(
            lambda line=line: serve(line), limits, keep=[line.fileno()], lifeline=control.fileno(), leash=line.fileno()
        )
        line.close()
        control.sendall(json.dumps(asdict(end)).encode())


def serve(line):
    with line.makefile("r") as file:
        request = json.loads(file.readline())
    request["world"]["line"] = line.fileno()
    try:
        found = PROBES[request["probe"]](request["world"])
    except Exception as error:
        found = [f"error: {error!r}"]
    line.sendall(json.dumps(found, default=repr).encode())


# Outside: the grader


def outside(level, landlock, library, probes):
    from convlab.grading.sandbox import CONFINE, Level, Limits, View, start, syscalls
    from convlab.grading.sandbox.filter import PROCESSORS

    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        os.chmod(folder, 0o777)
        os.chdir(folder)
        world = make_world(folder, server)
        column = list(PROCESSORS).index(os.uname().machine)
        tables = [getattr(syscalls, name) for name in ("ALLOWED", "CONDITIONAL", "PRETENDED", "MISSING", "UNSUPPORTED")]
        world["calls"] = {name: numbers[column] for table in tables for name, numbers in table.items()}
        world["named"] = [number for number in world["calls"].values() if number is not None]
        ours, theirs = socket.socketpair()
        view = View(hidden=(HIDDEN, HIDDEN_FILE, "convlab"), shown=(Path(__file__), CONFINE))
        arguments = [__file__, "inside", str(CONFINE.parent), str(theirs.fileno()), landlock, library]
        begun = time.monotonic()
        zygote = start(
            Level(level), arguments, view, scratch_bytes=LIMITS["scratch_bytes"], pass_fd=theirs.fileno(), stderr=2
        )
        theirs.close()
        found = {}
        for name in probes:
            limits = dict(LIMITS)
            if name in ("loop_without_end", "deaf_loop"):
                limits["cpu_seconds"] = 1
            if name in ("sleep_without_end", "stay_behind"):
                limits["seconds"] = 0.3
            if name == "honest_keras":
                limits.update(memory_bytes=Limits().memory_bytes, seconds=60, cpu_seconds=60)
            if name == "honest_figures":
                limits.update(memory_bytes=Limits().memory_bytes)
            found[name] = ask(ours, name, world, limits)
            found.setdefault("started", time.monotonic() - begun)
        ours.close()
        found["zygote"] = zygote.wait(20)
        found["world"] = inspect(world)
        print(json.dumps(found))


def make_world(folder, server):
    for name in ("secret", "gradebook"):
        Path(folder, name).write_text(SECRET)
        Path(folder, name).chmod(0o666)
    os.environ["CONVLAB_SECRET"] = SECRET
    victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    threading.Thread(target=victim.wait, daemon=True).start()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0convlab-{os.getpid()}")
    listener.listen()
    world = {"folder": folder, "secret": f"{folder}/secret", "gradebook": f"{folder}/gradebook"}
    world |= {"port": server.getsockname()[1], "abstract": f"convlab-{os.getpid()}", "victim": victim.pid}
    world |= {"grader": os.getpid(), "processes": [os.getpid(), victim.pid, os.getppid(), 1]}
    hidden = importlib.util.find_spec(HIDDEN)
    world["hidden"] = str(Path(hidden.origin).parent)
    world["library"] = os.stat(os.__file__).st_mode, os.stat(os.__file__).st_mtime
    world["modes"] = modes(folder)
    return world


def modes(folder):
    return {entry.name: (entry.stat().st_mode, entry.stat().st_mtime) for entry in os.scandir(folder)}


def inspect(world):
    """What the probes did to the world: nothing."""
    changed = []
    if json.loads(json.dumps(modes(world["folder"]))) != json.loads(json.dumps(world["modes"])):
        changed.append(modes(world["folder"]))
    for name in ("secret", "gradebook"):
        if Path(world[name]).read_text() != SECRET:
            changed.append(name)
    if (os.stat(os.__file__).st_mode, os.stat(os.__file__).st_mtime) != tuple(world["library"]):
        changed.append("library")
    try:
        os.kill(world["victim"], signal.SIGKILL)
    except ProcessLookupError:
        changed.append("the victim is gone")
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (place / "cmdline").read_bytes()
            if b"probes.py\0inside" in command and str(world["port"]).encode() in command:
                changed.append(command.decode())
    return changed


def ask(control, name, world, limits):
    """Run a probe in a fork, and say what it said and how it ended."""
    ours, theirs = socket.socketpair()
    with ours:
        socket.send_fds(control, [json.dumps(limits).encode()], [theirs.fileno()])
        theirs.close()
        said = b""
        with contextlib.suppress(OSError):
            ours.sendall(json.dumps({"probe": name, "world": world}).encode() + b"\n")
            if name == "sleep_on_a_leash":
                ours.shutdown(socket.SHUT_RDWR)
            while part := ours.recv(2**16):
                said += part
        end = control.recv(4096)
    return {"said": json.loads(said) if said else None, **json.loads(end)}


if __name__ == "__main__":
    if sys.argv[1] == "inside":
        inside(*sys.argv[2:])
    else:
        outside(*sys.argv[2:5], sys.argv[5].split(",") if sys.argv[5:] else list(PROBES))
