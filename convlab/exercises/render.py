"""A report as plain text, for terminals and screen readers, and as HTML without scripts or outside files."""

import re
import textwrap
from html import escape
from pathlib import Path

from convlab.exercises.judging import Verdict
from convlab.exercises.report import Check, Code, Heading, Link, Report, Table, Title, Words

WIDTH = 100
CODE, BOLD = re.compile(r"`([^`]+)`"), re.compile(r"(?<!\w)\*\*(?=\S)([^*]+)(?<=\S)\*\*(?!\w)")  # not x**2
SIGNS = {
    Verdict.CORRECT: "✓",
    Verdict.INCORRECT: "✗",
    Verdict.NOT_ATTEMPTED: "○",
    Verdict.CANNOT_BE_CHECKED: "?",
}
COLORS = {  # of signs and lines: at least 3 to 1 on white and on black; the words say the same
    Verdict.CORRECT: "#1a8a54",
    Verdict.INCORRECT: "#d0562a",
    Verdict.NOT_ATTEMPTED: "#7a7a7a",
    Verdict.CANNOT_BE_CHECKED: "#a87b00",
}
CELL = "padding:2px 8px;text-align:right;border:1px solid #8886"
WRONG = f"{CELL};border:2px solid {COLORS[Verdict.INCORRECT]};font-weight:bold"


def as_text(report: Report) -> str:
    """The report in lines of at most WIDTH letters, but for code and tables."""
    return "\n".join(line for part in report for line in _text(part))


def _text(part: object) -> list[str]:
    if isinstance(part, Title):
        return [f"{SIGNS[part.verdict]} {part.words}" if part.verdict else part.words]
    if isinstance(part, Heading):
        return ["", part.words]
    if isinstance(part, Check):
        return [f"  {'✓' if part.right else '✗'} {part.words}"]
    if isinstance(part, Words):
        whole = CODE.sub(lambda code: code[1].replace(" ", "\0"), part.words)  # code is not broken over lines
        lines = textwrap.wrap(BOLD.sub(r"\1", whole), WIDTH, initial_indent="  ", subsequent_indent="  ")
        return [line.replace("\0", " ") for line in lines]
    if isinstance(part, Code):
        return textwrap.indent(part.source, "    ").splitlines()
    if isinstance(part, Link):
        lesson, _, heading = part.where.partition("#")
        return [f"  {part.words}: lesson {lesson}, section “{heading}”."]
    assert isinstance(part, Table)
    return [f"    {part.caption}:", *_rows(part)]


def _rows(table: Table) -> list[str]:
    cells = [
        [f"{text}*" if table.wrong is not None and table.wrong[i, j] else text for j, text in enumerate(row)]
        for i, row in enumerate(table.rows)
    ]
    widths = [max(len(row[j].rstrip("*")) for row in cells) for j in range(len(cells[0]))]
    lines = ["".join(_aligned(text, width) for text, width in zip(row, widths, strict=True)) for row in cells]
    return [f"      {line.rstrip()}" for line in lines]


def _aligned(text: str, width: int) -> str:
    """Digits under digits, with room for the star of a wrong number behind them."""
    digits = text.rstrip("*")
    return f"{digits:>{width}}{'*' if text != digits else ' '} "


def as_html(report: Report, *, links: bool = True) -> str:
    """The report as one section, named by its first line for screen readers.

    links: to the lessons, where they are found near the current folder; else their names.
    """
    title = next((part for part in report if isinstance(part, Title)), None)
    color = COLORS[title.verdict] if title and title.verdict else "#7a7a7a"
    body = "".join(_html(part, links) for part in report)
    name = escape(title.words) if title else "convlab"
    style = f"border-left:5px solid {color};padding:2px 0 2px 14px;max-width:60em;line-height:1.45"
    return f'<section aria-label="{name}" style="{style}">{body}</section>'


def _html(part: object, links: bool) -> str:
    if isinstance(part, Title):
        sign = _sign(part.verdict) if part.verdict else ""
        return f'<p style="font-size:115%;font-weight:bold;margin:4px 0">{sign}{escape(part.words)}</p>'
    if isinstance(part, Heading):
        return f'<p style="font-weight:bold;margin:12px 0 4px">{escape(part.words)}</p>'
    if isinstance(part, Check):
        word, sign = ("right", "✓") if part.right else ("wrong", "✗")
        color = COLORS[Verdict.CORRECT if part.right else Verdict.INCORRECT]
        return (
            f'<p style="margin:1px 0 1px 8px"><span role="img" aria-label="{word}" '
            f'style="color:{color};font-weight:bold">{sign}</span> {escape(part.words)}</p>'
        )
    if isinstance(part, Words):
        return f'<p style="margin:4px 0">{inline(part.words)}</p>'
    if isinstance(part, Code):
        return f'<pre style="margin:4px 0 4px 8px;white-space:pre-wrap"><code>{escape(part.source)}</code></pre>'
    if isinstance(part, Link):
        return f'<p style="margin:4px 0">{escape(part.words)}: {_place(part.where, links)}</p>'
    assert isinstance(part, Table)
    return _html_table(part)


def _sign(verdict: Verdict) -> str:
    """The sign alone has the verdict's color: words in it would be pale on white or on black."""
    return f'<span aria-hidden="true" style="color:{COLORS[verdict]}">{SIGNS[verdict]}</span> '


def inline(words: str) -> str:
    """`code` and **bold**, everything else as it is."""
    return BOLD.sub(r"<b>\1</b>", CODE.sub(r"<code>\1</code>", escape(words, quote=False)))


def _place(where: str, links: bool) -> str:
    lesson, _, heading = where.partition("#")
    words = f"lesson {escape(lesson)}, section “{escape(heading)}”"
    folder = next((f for f in ("../notebooks", "notebooks", ".") if Path(f, f"{lesson}.ipynb").is_file()), None)
    if folder is None or not links:
        return words
    return f'<a href="{folder}/{escape(lesson)}.ipynb#{escape(heading.replace(" ", "-"))}">{words}</a>'


def _html_table(table: Table) -> str:
    rows = []
    for i, row in enumerate(table.rows):
        cells = []
        for j, text in enumerate(row):
            marked = table.wrong is not None and bool(table.wrong[i, j])
            label = f' aria-label="{escape(text)}, wrong"' if marked else ""
            cells.append(f'<td style="{WRONG if marked else CELL}"{label}>{escape(text)}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    style = (
        "border-collapse:collapse;margin:4px 24px 8px 8px;font-family:monospace;display:inline-table;vertical-align:top"
    )
    side = "text-align:left;caption-side:top;white-space:nowrap;padding:0"
    caption = f'<caption style="{side}">{escape(table.caption)}</caption>'
    return f'<table style="{style}">{caption}{"".join(rows)}</table>'
