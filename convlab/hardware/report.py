"""What the doctor says: findings, each with at most one next step, on one screen or as data."""

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from convlab.hardware.facts import Facts

VERSION = 1  # of the form of `Report.as_dict`: it grows when a name changes its meaning or goes away
WIDTH, HEIGHT = 110, 24  # of one screen
MARKS = {"ok": "ok", "note": "--", "missing": "!!"}
READY = {True: "Everything that the lessons need is here.", False: "Something that the lessons need is missing."}


@dataclass(frozen=True)
class Finding:
    """One line of the report. state: "ok", "note" (nothing the lessons need) or "missing"; step: what to do next."""

    subject: str
    state: str
    text: str
    step: str = ""


@dataclass(frozen=True)
class Report:
    """All findings, as one screen of text; `ready` says whether the lessons will run."""

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        return all(finding.state != "missing" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for scripts.

        version: of this form. ready: bool. findings: a list of {subject, state, text, step}, all text. facts: what
        `Facts` names. New names may come without a new version; those that are there keep their meaning.
        """
        findings = [asdict(finding) for finding in self.findings]
        return {"version": VERSION, "ready": self.ready, "findings": findings, "facts": asdict(self.facts)}

    def __str__(self) -> str:
        width = max(len(finding.subject) for finding in self.findings)
        lines = [line for finding in self.findings for line in _lines(finding, width)]
        return _printable("\n".join([*lines, "", READY[self.ready]]))

    __repr__ = __str__


def _lines(finding: Finding, width: int) -> Iterator[str]:
    """A finding as it stands on the screen. Only what is missing may have a second line of text; no step is cut."""
    head, indent = f"{MARKS[finding.state]}  {finding.subject:{width}}  ", " " * (width + 6)
    most = 2 if finding.state == "missing" else 1
    shape: dict[str, Any] = dict(width=WIDTH, break_on_hyphens=False)
    text = textwrap.wrap(finding.text, initial_indent=head, subsequent_indent=indent, max_lines=most, **shape)
    yield from text or [head.rstrip()]
    if finding.step:
        shape |= dict(break_long_words=False)
        yield from textwrap.wrap(
            finding.step, initial_indent=f"{indent}next: ", subsequent_indent=f"{indent}      ", **shape
        )


def _printable(text: str) -> str:
    """The text in signs that the terminal has: names of cards and errors of Windows may have any."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    clean = "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
    return clean.encode(encoding, "replace").decode(encoding)
