"""What an answer is made of, whatever its names and comments are: short runs of tokens, line by line.

Two programs that were written apart share few of them; a copy keeps most, even with other names, other comments and its
lines in another order. Pygments splits the text, because it reads anything: what a student hands in may not be Python.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from convlab.optional import need

LONGEST = 10_000  # characters of an answer that are looked at; the course's own have at most 1,500
RUN = 5  # tokens
OPENING, CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Line:
    """A logical line. first, last: its lines in the text, from 0. fragments: its runs, and itself as a whole."""

    first: int
    last: int
    fragments: frozenset[str]


@lru_cache(maxsize=1024)  # many students have the same text
def lines(text: str) -> tuple[Line, ...]:
    """The lines of a program that do something: no comments, no texts that stand alone."""
    return tuple(
        Line(first, last, frozenset(_runs(tokens)))
        for first, last, tokens in _logical(text[:LONGEST])
        if tokens != ["S"]
    )


def fragments(text: str) -> frozenset[str]:
    """All of a program."""
    return frozenset().union(*(line.fragments for line in lines(text)))


def _runs(tokens: list[str]) -> Iterable[str]:
    yield " ".join(tokens) + " \n"  # the end of the line tells it from a run
    for start in range(max(len(tokens) - RUN + 1, 1)):
        yield " ".join(tokens[start : start + RUN])


def _logical(text: str) -> Iterable[tuple[int, int, list[str]]]:
    """(first line, last line, tokens) of each logical line: one that goes on in brackets is one."""
    tokens: list[str] = []
    depth = first = last = row = seen = 0
    for start, kind, value in _lexer().get_tokens_unprocessed(text):
        row, seen = row + text.count("\n", seen, start), start
        token = _token(kind, value, tokens)
        if token:
            first, last = (first if tokens else row), row
            tokens.append(token)
            depth = max(depth + (token in OPENING) - (token in CLOSING), 0)
        elif tokens and depth == 0 and value.endswith("\n"):
            yield first, last, tokens
            tokens = []
    if tokens:
        yield first, last, tokens


def _token(kind: Any, value: str, before: list[str]) -> str:
    """What stands for a token: V for a name of one's own, S for a text; empty for what does nothing."""
    from pygments.token import Comment, Name, String

    if not value.strip() or kind in Comment:
        return ""
    if kind in String:
        return "" if before and before[-1] == "S" else "S"  # a text comes in parts
    if kind in Name and kind not in Name.Builtin and not (before and before[-1] == "."):
        return "V"
    return value


@lru_cache(maxsize=1)
def _lexer() -> Any:
    return need("pygments.lexers").PythonLexer()
