"""`python -m benchmarks`: measure, print a table, and say which goals are met."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import machine

STARTED = "CONVLAB_BENCHMARK"  # set in the process that measures, whose libraries were told their threads in time


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="layers whose name holds one of these words")
    parser.add_argument("--direction", choices=["forward", "backward", "both"], default="both")
    parser.add_argument("--threads", type=int, default=1, help="for convlab and every peer (default: 1)")
    parser.add_argument("--rounds", type=int, default=9, help="at least so many rounds (default: 9)")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each layer, at least (default: 1)")
    parser.add_argument("--quick", action="store_true", help="3 rounds and no time: to see that it works")
    parser.add_argument("--as-found", action="store_true", help="keep variables such as OPENBLAS_CORETYPE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    return parser


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(arguments)
    if STARTED not in os.environ:
        variables = machine.environment(options.threads, options.as_found) | {STARTED: "1"}
        return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], env=variables).returncode
    from benchmarks.run import run

    run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
