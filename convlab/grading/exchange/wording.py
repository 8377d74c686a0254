"""Small words for the sentences that a teacher reads."""

from collections.abc import Sequence

from convlab.grading.intake.items import printable

SHOWN = 10  # names in a sentence


def counted(number: int, one: str, several: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "grade"), counted(2, "grade"), counted(0, "entry", "entries")
    ('1 grade', '2 grades', '0 entries')
    """
    return f"{number} {one if number == 1 else several or one + 's'}"


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """Names from outside, in quotes, each on one line; of many only the first.

    >>> listed(["a", "b", "c"], most=2)
    '"a", "b" and 1 more'
    """
    shown = ", ".join(f'"{printable(name)}"' for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
