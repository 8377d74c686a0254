"""Measure layer by layer."""

from argparse import Namespace
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks import machine, measure, report
from benchmarks.cases import Case, all_cases
from benchmarks.peers import BACKWARD, CONVLAB, FORWARD, PEERS, TENSORFLOW
from benchmarks.workers import RemoteWorker, Worker

TOLERANCE = 1e-3  # relative; what is slower because it is wrong is not worth measuring


def run(options: Namespace) -> None:
    """Everything that the options ask for, printed as it comes."""
    peers = [CONVLAB, *(peer for peer in PEERS if peer.installed)]
    cases = [c for c in all_cases() if not options.only or any(word in c.label for word in options.only)]
    directions = [FORWARD, BACKWARD] if options.direction == "both" else [options.direction]
    rounds, seconds = (3, 0.0) if options.quick else (options.rounds, options.seconds)
    peak = measure.peak_flops()
    facts = machine.describe(options.threads, peak)
    for name, fact in facts.items():
        print(f"{name}: {fact}")
    print(f"not installed: {', '.join(peer.name for peer in PEERS if peer not in peers) or 'none'}\n")
    print("Columns of peers: convlab's time divided by theirs, so below 1 convlab is faster.")
    workers = [RemoteWorker(peer, options.threads) for peer in peers]
    results = []
    for direction in directions:
        print(f"\n{direction}\n{report.header()}", flush=True)
        for case in cases:
            result = measure_case(case, direction, workers, peak, rounds, seconds)
            print(report.line(result), flush=True)
            results.append(result)
    for worker in workers:
        worker.stop()
    print("\n" + report.summary_text(report.summary(results, options.threads)))
    if options.json:
        report.write(options.json, report.as_json(facts, results, options.threads))


def measure_case(
    case: Case, direction: str, workers: Sequence[Worker], peak: float, rounds: int, seconds: float
) -> report.Result:
    """One layer in one direction, its results compared with TensorFlow's first. convlab is among the workers."""
    outputs = {worker.peer.name: worker.prepare(case, direction) for worker in workers}
    able = {worker.peer.name: worker for worker in workers if outputs[worker.peer.name] is not None}
    errors = _errors({name: arrays for name, arrays in outputs.items() if arrays})
    wrong = {name: error for name, error in errors.items() if error > TOLERANCE}
    if wrong:
        raise ValueError(f"{case.label}, {direction}: results differ from TensorFlow's: {wrong}")
    found = measure.times({name: worker.time for name, worker in able.items()}, seconds=seconds, rounds=rounds)
    ours = found["convlab"]
    macs = case.macs * (2 if direction == BACKWARD else 1)
    return report.Result(
        case=case.label,
        group=case.group,
        direction=direction,
        milliseconds={name: float(np.median(taken)) * 1e3 for name, taken in found.items()},
        ratios={name: measure.ratio(ours, taken) for name, taken in found.items() if name != "convlab"},
        error=errors["convlab"],
        share_of_peak=2 * macs / float(np.median(ours)) / peak,
        memory={name: able[name].memory() for name in ("convlab", "textbook im2col") if name in able},
    )


def _errors(outputs: Mapping[str, list[np.ndarray]]) -> dict[str, float]:
    """The largest difference of each peer's results from TensorFlow's, relative to the largest of TensorFlow's."""
    expected = outputs[TENSORFLOW[0]]
    return {
        name: max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(arrays, expected, strict=False))
        for name, arrays in outputs.items()  # convlab's gradients end with the bias's, which others do not give
    }
