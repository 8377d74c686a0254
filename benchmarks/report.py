"""What was measured, as a table, as sums beside the goals, and as JSON."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from math import exp, log
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from benchmarks.peers import BACKWARD, FORWARD, PEERS, TENSORFLOW


@dataclass(frozen=True)
class Result:
    """One layer in one direction. ratios: convlab's time divided by each peer's. error: largest difference from
    TensorFlow, relative to its largest number. memory: bytes at once, of those that NumPy reports."""

    case: str
    group: str
    direction: str
    milliseconds: dict[str, float]
    ratios: dict[str, float]
    error: float
    share_of_peak: float
    memory: dict[str, int]

    @property
    def tensorflow(self) -> float:
        """convlab's time divided by the better of TensorFlow's two."""
        return max(self.ratios[name] for name in TENSORFLOW)


def geometric_mean(values: Iterable[float]) -> float:
    logs = [log(value) for value in values]
    return exp(sum(logs) / len(logs))


@dataclass(frozen=True)
class Goal:
    """A number that the results should not exceed."""

    text: str
    goal: float | None
    direction: str
    groups: tuple[str, ...]
    total: Callable[[list[float]], float]


ONE_THREAD = (
    Goal("dense and dilated, geometric mean", 0.6, FORWARD, ("dense", "dilated"), geometric_mean),
    Goal("dense and dilated, slowest", 1.1, FORWARD, ("dense", "dilated"), max),
    Goal("large kernels, slowest", 0.1, FORWARD, ("large kernel",), max),
    Goal("separable, slowest", 1.2, FORWARD, ("separable",), max),
    Goal("depthwise, slowest", None, FORWARD, ("depthwise",), max),
    Goal("transposed, slowest", None, FORWARD, ("transposed",), max),
    Goal("dense and dilated backward, geometric mean", 0.7, BACKWARD, ("dense", "dilated"), geometric_mean),
    Goal("all backward, geometric mean", None, BACKWARD, (), geometric_mean),
)
MORE_THREADS = (
    Goal("dense and dilated, geometric mean", 0.9, FORWARD, ("dense", "dilated"), geometric_mean),
    Goal("dense and dilated backward, geometric mean", 0.9, BACKWARD, ("dense", "dilated"), geometric_mean),
)


def header() -> str:
    names = [peer.name for peer in PEERS]
    return (
        f"{'layer':<32}{'convlab':>9}  "
        + "".join(f"{name:>16}" for name in names)
        + f"{'of peak':>9}{'MB':>7}{'error':>9}"
    )


def line(result: Result) -> str:
    """One row: convlab's milliseconds, the ratio to each peer, share of the matrix-product peak, memory, error."""
    mark = "" if result.direction == FORWARD else " back"
    cells = "".join(f"{_ratio(result.ratios.get(peer.name)):>16}" for peer in PEERS)
    return (
        f"{result.case + mark:<32}{result.milliseconds['convlab']:>7.3f}ms  {cells}"
        f"{result.share_of_peak:>9.2f}{result.memory['convlab'] / 1e6:>7.1f}{result.error:>9.0e}"
    )


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value >= 0.01 else f"{value:.5f}"


def summary(results: Sequence[Result], threads: int) -> list[tuple[str, float, float | None]]:
    """(what, found, goal) for each goal that something was measured for; ratios to the better of TensorFlow's two."""
    found = []
    for goal in ONE_THREAD if threads == 1 else MORE_THREADS:
        ratios = [
            r.tensorflow
            for r in results
            if r.direction == goal.direction and (not goal.groups or r.group in goal.groups)
        ]
        if ratios:
            found.append((goal.text, goal.total(ratios), goal.goal))
    return found


def summary_text(rows: Iterable[tuple[str, float, float | None]]) -> str:
    lines = ["convlab's time divided by the better of TF eager and tf.function:"]
    for text, value, goal in rows:
        verdict = "" if goal is None else f"   goal {goal:.2f}: {'met' if value <= goal else 'not met'}"
        lines.append(f"  {text:<46}{value:>6.2f}{verdict}")
    return "\n".join(lines)


def as_json(machine: dict[str, Any], results: Sequence[Result], threads: int) -> str:
    rows = [{"what": text, "found": value, "goal": goal} for text, value, goal in summary(results, threads)]
    return json.dumps({"machine": machine, "summary": rows, "results": [asdict(r) for r in results]}, indent=1) + "\n"


def write(path: Path, text: str) -> None:
    """Write the file whole, or not at all."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
        part.write(text)
    os.replace(part.name, path)
