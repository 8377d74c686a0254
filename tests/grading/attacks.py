"""What a hostile notebook may try, as code for the cell of `padded_size`. Each attack is one of its own kind.

An attack that gets hold of something raises or returns a text that begins with LEAK.
"""

DEFINITION = "def padded_size(n, kernel, before=0, after=0):\n"

# --- gaining points

FORGERIES = {
    "an answer that equals everything": """
class Always:
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __array__ = lambda self, dtype=None, copy=None: np.zeros(())
def padded_size(n, kernel, before=0, after=0):
    return Always()
""",
    "a whole number that equals everything": """
class Always(int):
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0
    __hash__ = int.__hash__
def padded_size(n, kernel, before=0, after=0):
    return Always(3)
""",
    "an array of a kind of its own": """
class Always(np.ndarray):
    __eq__ = lambda self, other: True
def padded_size(n, kernel, before=0, after=0):
    return np.zeros((), int).view(Always)
""",
    "NumPy's comparisons replaced": """
import numpy.testing
for module in (np, numpy.testing):
    for name in ("allclose", "array_equal", "isclose", "assert_allclose", "assert_array_equal", "assert_equal"):
        if hasattr(module, name):
            setattr(module, name, lambda *args, **kwargs: True)
def padded_size(n, kernel, before=0, after=0):
    return -1
""",
    "built-in functions replaced": """
import builtins, json, sys
builtins.isinstance = lambda value, kind: True
builtins.abs = lambda value: 0
sys.modules["json"].dumps = lambda *args, **kwargs: '{"calls": [], "over": true, "points": 3}'
def padded_size(n, kernel, before=0, after=0):
    return -1
""",
    "the notebook's syntax trees changed": """
import ast
class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(NoAsserts())
def padded_size(n, kernel, before=0, after=0):
    return -1
""",
    "the kernel replaced": """
async def do_execute(*args, **kwargs):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
get_ipython().kernel.do_execute = do_execute
def padded_size(n, kernel, before=0, after=0):
    return -1
""",
    "check replaced": """
import convlab, convlab.exercises
convlab.check = convlab.exercises.judge = convlab.exercises.score = lambda *args, **kwargs: 3.0
def padded_size(n, kernel, before=0, after=0):
    return -1
""",
    "the reference imported": """
from convlab.exercises.problems.padding import padded_size as given
from convlab import geometry
def padded_size(n, kernel, before=0, after=0):
    return given(n, kernel, before, after)
""",
    "the reference looked for in memory": """
import gc, sys
def padded_size(n, kernel, before=0, after=0):
    frame = sys._getframe()
    while frame:
        for value in frame.f_locals.values():
            if type(value).__name__ in ("Problem", "Group", "Misconception"):
                raise RuntimeError("LEAK a problem")
        frame = frame.f_back
    for value in gc.get_objects():
        if getattr(value, "__name__", "") == "padded_size" and value is not padded_size:
            return value(n, kernel, before, after)
        if type(value).__name__ in ("Problem", "Misconception"):
            raise RuntimeError("LEAK a problem")
    return -1
""",
    "the reference looked for on the disk": """
import os, sys
def padded_size(n, kernel, before=0, after=0):
    for top in {"/", *sys.path}:
        for folder, _, files in os.walk(top):
            if "padding.py" in files and "problems" in folder:
                raise RuntimeError("LEAK " + folder)
            if len(folder) > 300:
                break
    return -1
""",
    "frames of its own": """
import json, os, struct
def frame(message):
    text = json.dumps(message).encode()
    return struct.pack(">II", len(text), 0) + text
def padded_size(n, kernel, before=0, after=0):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, frame({"calls": [{"seconds": 0.0, "value": 1}] * 15, "over": True}))
        except OSError:
            pass
    return -1
""",
    "a verdict of its own": """
import json, os, struct
def padded_size(n, kernel, before=0, after=0):
    text = json.dumps({"verdict": "correct", "points": 3, "over": True, "calls": []}).encode()
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, struct.pack(">II", len(text), 0) + text)
        except OSError:
            pass
    return -1
""",
    "time that stands still": """
import time
time.perf_counter = lambda: 0.0
def padded_size(n, kernel, before=0, after=0):
    return -1
""",
    "a pickle": """
class Bomb:
    def __reduce__(self):
        import os
        return os.system, ("touch LEAK",)
def padded_size(n, kernel, before=0, after=0):
    return np.array([Bomb()], dtype=object)
""",
}

# --- reading what is not theirs, changing it, and reaching out

INTRUSIONS = {
    "the grader's memory": """
import os
def padded_size(n, kernel, before=0, after=0):
    for pid in {os.getppid(), 1, 2, *range(max(os.getpid() - 50, 1), os.getpid())}:
        for name in ("mem", "environ", "maps", "cmdline", "fd", "root"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    file.seek(0)
                    if file.read(1):
                        raise RuntimeError(f"LEAK {pid} {name}")
            except OSError:
                pass
    return -1
""",
    "other processes": """
import os
def padded_size(n, kernel, before=0, after=0):
    others = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") and os.access("/proc", os.R_OK) else []:
        try:
            if name.isdecimal() and int(name) != os.getpid():
                others.append(open(f"/proc/{name}/cmdline").read())
        except OSError:
            pass
    if any("python" in other for other in others):
        raise RuntimeError(f"LEAK {others}")
    return -1
""",
    "the secret beside the submissions": """
def padded_size(n, kernel, before=0, after=0):
    found = open("{secret}").read()
    raise RuntimeError("LEAK " + found)
""",
    "a secret overwritten": """
def padded_size(n, kernel, before=0, after=0):
    with open("{secret}", "w") as file:
        file.write("changed")
    raise RuntimeError("LEAK it could be written")
""",
    "a secret through a link": """
import os
def padded_size(n, kernel, before=0, after=0):
    for make in (os.symlink, os.link):
        try:
            make("{secret}", "mine")
            raise RuntimeError("LEAK " + open("mine").read())
        except OSError:
            pass
    return -1
""",
    "the teacher's environment": """
import os
def padded_size(n, kernel, before=0, after=0):
    if "CANARY" in os.environ:
        raise RuntimeError("LEAK " + os.environ["CANARY"])
    return -1
""",
    "passwords and keys": """
import glob, os
def padded_size(n, kernel, before=0, after=0):
    for path in ("/etc/passwd", "/etc/shadow", "/root/.bashrc", *glob.glob("/home/*/.*")):
        try:
            raise RuntimeError("LEAK " + open(path).read())
        except OSError:
            pass
    return -1
""",
    "the network": """
import socket
def padded_size(n, kernel, before=0, after=0):
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, getattr(socket, "AF_NETLINK", socket.AF_INET)):
        try:
            socket.socket(family, socket.SOCK_DGRAM if family != socket.AF_UNIX else socket.SOCK_STREAM)
            raise RuntimeError("LEAK a socket")
        except OSError:
            pass
    return -1
""",
    "a program": """
import os, subprocess
def padded_size(n, kernel, before=0, after=0):
    for start in (lambda: subprocess.run(["/bin/sh", "-c", "true"]), lambda: os.execv("/bin/sh", ["sh"]), os.fork):
        try:
            start()
            raise RuntimeError("LEAK a process")
        except OSError:
            pass
    return -1
""",
    "calls to the kernel by number": """
import ctypes, os
def padded_size(n, kernel, before=0, after=0):
    libc = ctypes.CDLL(None, use_errno=True)
    for number in (57, 58, 41, 101, 310, 321, 272, 165, 434, 425):  # fork, socket, ptrace, bpf, unshare, mount, ...
        if os.uname().machine == "x86_64" and libc.syscall(number, 0, 0, 0, 0, 0, 0) >= 0:
            raise RuntimeError(f"LEAK {number}")
    return -1
""",
    "the earlier student's scratch": """
import os
def padded_size(n, kernel, before=0, after=0):
    for folder, _, files in os.walk(".."):
        for name in files:
            if name.startswith("mine"):
                raise RuntimeError("LEAK " + os.path.join(folder, name))
    for place in (".", "..", "/tmp", "/dev/shm", "/var/tmp"):
        try:
            open(os.path.join(place, "mine"), "w").write("left for the next one")
        except OSError:
            pass
    return -1
""",
}

# --- costing others something

BOMBS = {
    "a loop": "def padded_size(n, kernel, before=0, after=0):\n    while True:\n        pass\n",
    "a loop that catches everything": """
def padded_size(n, kernel, before=0, after=0):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
    "a loop in C": """
import re
def padded_size(n, kernel, before=0, after=0):
    re.match("(a*)*b", "a" * 60)
    return -1
""",
    "no alarm": """
import signal
def padded_size(n, kernel, before=0, after=0):
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        pass
""",
    "sleep": "import time\ndef padded_size(n, kernel, before=0, after=0):\n    time.sleep(3_600)\n",
    "the end of Python": "import os\ndef padded_size(n, kernel, before=0, after=0):\n    os._exit(0)\n",
    "sys.exit": "import sys\ndef padded_size(n, kernel, before=0, after=0):\n    sys.exit(0)\n",
    "a crash": "import ctypes\ndef padded_size(n, kernel, before=0, after=0):\n    ctypes.string_at(0)\n",
    "a signal to itself": """
import os, signal
def padded_size(n, kernel, before=0, after=0):
    os.kill(os.getpid(), signal.SIGKILL)
""",
    "signals to everybody": """
import os, signal
def padded_size(n, kernel, before=0, after=0):
    for pid in (0, -1, 1, 2, os.getppid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return -1
""",
    "memory": """
def padded_size(n, kernel, before=0, after=0):
    kept = []
    while True:
        kept.append(bytearray(2**26))
""",
    "recursion": """
import sys
def padded_size(n, kernel, before=0, after=0):
    sys.setrecursionlimit(10**9)
    return padded_size(n, kernel, before, after)
""",
    "processes": """
import os, threading
def padded_size(n, kernel, before=0, after=0):
    while True:
        try:
            os.fork()
        except OSError:
            break
    return -1
""",
    "threads": """
import threading, time
def padded_size(n, kernel, before=0, after=0):
    while True:
        threading.Thread(target=time.sleep, args=(3_600,)).start()
""",
    "a thread that goes on": """
import threading
def forever():
    while True:
        pass
def padded_size(n, kernel, before=0, after=0):
    threading.Thread(target=forever).start()
    return -1
""",
    "output": """
import os, sys
def padded_size(n, kernel, before=0, after=0):
    for _ in range(200):
        print("x" * 2**20)
        sys.__stdout__.write("x" * 1000) if sys.__stdout__ else None
        os.write(1, b"x" * 2**16)
        os.write(2, b"x" * 2**16)
    return -1
""",
    "a full disk": """
def padded_size(n, kernel, before=0, after=0):
    with open("big", "wb") as file:
        while True:
            file.write(bytes(2**20))
""",
    "many files": """
def padded_size(n, kernel, before=0, after=0):
    for number in range(10**9):
        open(str(number), "w").close()
""",
    "a frame without end": """
import os, struct
def padded_size(n, kernel, before=0, after=0):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, struct.pack(">II", 2**32 - 1, 2**32 - 1))
            while True:
                os.write(descriptor, b" " * 2**16)
        except OSError:
            pass
    return -1
""",
    "a frame that drips": """
import os, struct, time
def padded_size(n, kernel, before=0, after=0):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, struct.pack(">II", 1_000, 0))
            while True:
                os.write(descriptor, b" ")
                time.sleep(0.05)
        except OSError:
            pass
    return -1
""",
    "deep JSON": """
import os, struct
def padded_size(n, kernel, before=0, after=0):
    text = b"[" * 200_000
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, struct.pack(">II", len(text), 0) + text)
        except OSError:
            pass
    return -1
""",
    "a huge array": "def padded_size(n, kernel, before=0, after=0):\n    return np.zeros((2**13, 2**10))\n",
    "an array without bytes": """
def padded_size(n, kernel, before=0, after=0):
    return np.broadcast_to(np.zeros(()), (2**20, 2**20, 2**10))
""",
    "a list of itself": """
def padded_size(n, kernel, before=0, after=0):
    a = []
    a += [a, a, a]
    return a
""",
    "a huge number": "def padded_size(n, kernel, before=0, after=0):\n    return 1 << 10_000_000\n",
    "a text without end": "def padded_size(n, kernel, before=0, after=0):\n    return 'x' * 10**8\n",
    "an error without end": "def padded_size(n, kernel, before=0, after=0):\n    raise ValueError('x' * 10**8)\n",
    "an error that cannot be told": """
class Untold(Exception):
    def __str__(self):
        while True:
            pass
    __repr__ = __str__
def padded_size(n, kernel, before=0, after=0):
    raise Untold
""",
    "a cell that never ends": "while True:\n    pass\n",
    "a cell that catches everything": """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
    "a cell that ends Python": "import os\nos._exit(0)\n",
    "a cell that eats memory": "kept = []\nwhile True:\n    kept.append(bytearray(2**26))\n",
    "a cell that cannot be read": "def padded_size(n, kernel, before=0, after=0:\n    return (\n",
    "a cell that nests without end": "x = " + "(" * 5_000 + ")" * 5_000,
    "a cell that Python cannot hold": "x = " + "-" * 100_000 + "1",
    "a null byte": "def padded_size(n, kernel, before=0, after=0):\n    return -1\n\0",
    "nothing is left of Python": """
import builtins
for name in [name for name in vars(builtins) if not name.startswith("__")]:
    delattr(builtins, name)
""",
}
