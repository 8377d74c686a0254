"""`python -m benchmarks.import_time`: what `import convlab` costs on top of `import numpy`."""

import subprocess
import sys
from statistics import median

GOAL = 30  # milliseconds
ROUNDS = 21
CODE = "import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"


def milliseconds(module: str) -> float:
    """The time to import a module in a fresh process."""
    run = subprocess.run([sys.executable, "-c", CODE.format(module=module)], capture_output=True, text=True, check=True)
    return float(run.stdout) * 1e3


def main() -> None:
    """Both in turns, after one of each that compiles the bytecode."""
    pairs = [(milliseconds("numpy"), milliseconds("convlab")) for _ in range(ROUNDS + 1)][1:]
    numpy, convlab = (median(column) for column in zip(*pairs, strict=True))
    more = median(b - a for a, b in pairs)
    print(f"import numpy {numpy:.1f} ms, import convlab {convlab:.1f} ms: {more:.1f} ms more (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
