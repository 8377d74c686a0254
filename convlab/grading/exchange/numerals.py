"""Numbers as a platform's file writes them: with a decimal point or a decimal comma."""

import re
from collections.abc import Iterable

NUMERAL = re.compile(r"\s*(-?\d+)(?:([.,])(\d+))?\s*")


def parsed(text: str) -> float | None:
    """The number in a cell; None where there is none.

    >>> parsed("10,50"), parsed("10"), parsed("EX")
    (10.5, 10.0, None)
    """
    found = NUMERAL.fullmatch(text)
    return float(f"{found[1]}.{found[3] or 0}") if found else None


def decimal_sign(cells: Iterable[str], delimiter: str) -> str:
    """The sign that the file's own numbers have; where none has any, what goes with its delimiter."""
    signs = {found[2] for cell in cells if (found := NUMERAL.fullmatch(cell)) and found[2]}
    return signs.pop() if len(signs) == 1 else "," if delimiter == ";" else "."


def numeral(value: float, sign: str = ".") -> str:
    """A number with at most two decimals, which is what the platforms keep.

    >>> numeral(7.456, ","), numeral(8.0)
    ('7,46', '8')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".").replace(".", sign)
