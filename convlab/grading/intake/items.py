"""What lies in a folder or a zip, before anybody has asked whose it is."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from convlab.grading.intake.reading import LIMIT

AT_MOST = LIMIT + 1  # bytes that are read of a file: enough to see that it is too large
LONGEST = 200  # characters of a name
HIDDEN = {"__macosx", "__pycache__", "thumbs.db", "desktop.ini"}  # and names that begin with a dot or with ~$


@dataclass(frozen=True, slots=True)
class Item:
    """A file, an empty folder, or something that is not looked into.

    parts: its path below the place of all submissions, folders and zips first. fault: why it cannot be read, in words
    that follow its name. changed: when, in seconds since 1970; 0 if not known. read: its bytes, at most `AT_MOST`;
    raises `ConvlabError`. folder: whether it is an empty folder.
    """

    parts: tuple[str, ...]
    fault: str = ""
    changed: float = 0.0
    read: Callable[[], bytes] | None = None
    folder: bool = False

    @property
    def name(self) -> str:
        """The path, for people."""
        return printable("/".join(self.parts))

    @property
    def suffix(self) -> str:
        """Such as ".ipynb", in small letters."""
        return ending(self.parts[-1])


def ending(name: str) -> str:
    """Such as ".ipynb", in small letters."""
    return "." + name.rpartition(".")[2].lower() if "." in name[1:] else ""


def stem(name: str) -> str:
    """The name without its ending."""
    return name[: len(name) - len(ending(name))]


def is_hidden(name: str) -> bool:
    """Whether a file or folder is what a system or an editor left, not what somebody handed in."""
    return name.startswith((".", "~$")) or name.lower() in HIDDEN


def printable(text: str) -> str:
    """The text on one line: what cannot be seen is written as in Python, so that two texts never look the same.

    What is very long is cut, and marked with a part of its SHA-256.

    >>> printable("a\\nb")
    'a\\\\nb'
    """
    shown = "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)
    if len(shown) <= LONGEST:
        return shown
    return f"{shown[: LONGEST - 20]}...{sha256(shown.encode()).hexdigest()[:16]}"
