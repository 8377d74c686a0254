"""Words that several findings share."""

from convlab.hardware.facts import Facts

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)  # that the course runs on, and that TensorFlow has wheels for


def brief(words: object, most: int = 40) -> str:
    """One line of what a machine says, cut to a length that leaves room for the rest."""
    line = " ".join(str(words).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def install(facts: Facts, extra: str = "course") -> str:
    """The command that installs the course's libraries: from a checkout in its folder, else by name."""
    return f'pip install "convlab[{extra}]"' if facts.checkout is False else f'pip install -e ".[{extra}]"'


def set_variable(facts: Facts, name: str, value: str) -> str:
    """How to set a variable of the environment in the shells of this system; an empty value takes it away."""
    if facts.system == "Windows":
        return f"set {name}={value} (in PowerShell: $env:{name} = '{value}')"
    return f"export {name}={value}" if value else f"unset {name}"


def major(version: object) -> int:
    """The first number of a version, 0 where it has none."""
    head = str(version).split(".")[0]
    return int(head) if head.isascii() and head.isdecimal() and len(head) < 9 else 0


def size(number: float) -> str:
    """Bytes in GiB."""
    return f"{number / 2**30:.1f} GiB"
