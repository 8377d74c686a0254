"""How well a sandbox keeps its code apart."""

from enum import StrEnum


class Level(StrEnum):
    """Best first.

    BUBBLEWRAP: namespaces of its own, with a file system of nothing but what it needs, and LANDLOCK within. LANDLOCK:
    no other files, no network, no processes, by Landlock and seccomp alone; names and sizes of files can be asked for.
    NONE: a plain process with limits on its time and, where the system has them, its memory. It does not protect
    against malice.
    """

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"

    @property
    def contains(self) -> bool:
        """Does it protect against malice?"""
        return self is not Level.NONE
