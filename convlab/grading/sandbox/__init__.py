"""Run code that nobody should trust, apart from the rest of the machine.

Outside, a grader asks which level this machine gives and starts a *zygote*: trusted code, running alone in a sandbox.

    file = Path("zygote.py").resolve()
    view = View(hidden=("scipy", "convlab"), shown=(file, CONFINE))
    ours, theirs = socket.socketpair()
    arguments = [str(file), str(CONFINE.parent), str(theirs.fileno())]
    zygote = start(level(), arguments, view, pass_fd=theirs.fileno())
    theirs.close()              # so that the zygote's end of the line is the only one
    mine, job = socket.socketpair()
    socket.send_fds(ours, [b"{}"], [job.fileno()])      # limits as JSON, and a line for this one job
    job.close()                 # talk to the fork by `mine`; the fork's death is its end of file
    ours.close()                # ends the zygote, whatever it is doing, and all that it started
    zygote.kill()               # where one does not want to wait
    zygote.wait()

Inside, zygote.py imports what takes long once, and forks for every job. It reads nothing of the job itself: whatever
passes through its memory, the next fork could find there.

    import json, socket, sys
    sys.path.insert(0, sys.argv[1])
    from confine import Limits, settle
    cage = settle()             # first of all: before the imports that take long, while there is one thread
    import numpy
    control = socket.socket(fileno=int(sys.argv[2]))
    while True:
        message, descriptors, *_ = socket.recv_fds(control, 4096, 1)
        if not message:
            break
        job = socket.socket(fileno=descriptors[0])
        limits = Limits(**json.loads(message))
        end = cage.run(lambda: serve(job), limits, keep=(job.fileno(),), lifeline=control.fileno())
        job.close()             # serve(job) ran in the fork, confined; `end` says how it ended
        control.sendall(end.reason.encode() or b"by itself")

Levels, best first: `Level.BUBBLEWRAP`, `Level.LANDLOCK`, and `Level.NONE`, which does not protect against malice.
"""

from convlab.grading.sandbox.confine import Limits
from convlab.grading.sandbox.levels import Level
from convlab.grading.sandbox.probing import level
from convlab.grading.sandbox.starting import CONFINE, start
from convlab.grading.sandbox.view import View

__all__ = ["CONFINE", "Level", "Limits", "View", "level", "start"]
