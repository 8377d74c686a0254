"""How a training went, in numbers, as text and as HTML."""

from dataclasses import asdict, dataclass
from html import escape
from math import isfinite
from typing import Any

SHOWN = 12  # epochs up to which all are printed


@dataclass(frozen=True, eq=False)
class Training:
    """How a training went. It prints as text, and as HTML in a notebook; `convlab.plots.history` draws it.

    history: for "loss", "accuracy" and, with validation, "val_loss" and "val_accuracy" one number for each epoch. The
    loss and accuracy of training are means over the epoch, while the weights changed and with dropout at work.
    epochs, steps: that were trained. kept: the epoch whose weights the model has, counted from 1; with patience the
    one with the lowest validation loss, else the last one. seconds: spent, those before an interruption included.
    parameters: of the model. seed, settings: as given.
    """

    history: dict[str, list[float]]
    epochs: int
    kept: int
    steps: int
    seconds: float
    seed: int
    parameters: int
    settings: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """All of it in lists, numbers and texts that JSON can hold: what is not finite is None."""
        history = {name: [v if isfinite(v) else None for v in values] for name, values in self.history.items()}
        return asdict(self) | {"history": history}

    def summary(self) -> str:
        """What was done, in a line."""
        kept = f", weights of epoch {self.kept}" if self.kept != self.epochs else ""
        return (
            f"{self.parameters:,} parameters, {_number(self.epochs, 'epoch')}, {_number(self.steps, 'step')} in "
            f"{self.seconds:.1f} s, seed {self.seed}{kept}"
        )

    def table(self) -> list[list[str]]:
        """A header, then a row of numbers for each epoch; of many epochs the first and the last ones."""
        rows = [["epoch", *self.history]]
        for i, values in enumerate(zip(*self.history.values(), strict=True), 1):
            if self.epochs <= SHOWN or i <= SHOWN // 2 or i > self.epochs - SHOWN // 2:
                rows.append([str(i), *(f"{value:.4f}" for value in values)])
            elif i == SHOWN // 2 + 1:
                rows.append(["..."] * (len(self.history) + 1))
        return rows

    def __str__(self) -> str:
        table = self.table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        drawn = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
        return "\n".join([self.summary(), *drawn])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        header, *body = self.table()
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
        rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in body)
        return f"<p>{escape(self.summary())}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
