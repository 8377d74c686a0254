"""Text in rows and columns as a figure: the still picture of what is a live table elsewhere."""

from collections.abc import Sequence

from convlab.plots.style import INK, Drawing, Slot, canvas, in_house_style

ROW = 0.32  # inches
LETTER = 0.105  # inches that a letter takes at this size
SIZE = 12  # points


@in_house_style
def table(rows: Sequence[Sequence[str]], header: Sequence[str], alt: str) -> Drawing:
    """`rows` of text under a bold `header`: the first column to the left, the others to the right."""
    lines = [list(map(str, header)), *(list(map(str, row)) for row in rows)]
    columns = max(map(len, lines))
    widths = [max(len(line[c]) for line in lines if c < len(line)) * LETTER + 0.25 for c in range(columns)]
    width, height = sum(widths), ROW * len(lines)
    figure, (ax,) = canvas([Slot(width, height)])
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    for number, line in enumerate(lines):
        left = 0.0
        for column, text in enumerate(line):
            x, side = (left, "left") if column == 0 else (left + widths[column] - 0.1, "right")
            weight = "bold" if number == 0 else "normal"
            ax.text(x, ROW * (number + 0.5), text, color=INK, fontsize=SIZE, ha=side, va="center", fontweight=weight)
            left += widths[column]
    ax.axhline(ROW, color=INK, linewidth=1)
    return Drawing(figure, alt)
