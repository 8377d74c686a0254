"""Measure layer by layer."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np

import convlab
from benchmarks import machine, measure, report
from benchmarks.cases import Case, all_cases
from benchmarks.peers import BACKWARD, CONVLAB, FORWARD, PEERS, TENSORFLOW, Part, Peer
from convlab.hardware import quiet_tensorflow

TOLERANCE = 1e-3  # relative; what is slower because it is wrong is not worth measuring


def run(options: Namespace) -> None:
    """Everything that the options ask for, printed as it comes."""
    peers = start(options.threads)
    cases = [c for c in all_cases() if not options.only or any(word in c.label for word in options.only)]
    directions = [FORWARD, BACKWARD] if options.direction == "both" else [options.direction]
    rounds, seconds = (3, 0.0) if options.quick else (options.rounds, options.seconds)
    peak = measure.peak_flops()
    facts = machine.describe(options.threads, peak)
    for name, fact in facts.items():
        print(f"{name}: {fact}")
    missing = [peer.name for peer in PEERS if peer not in peers]
    print(f"not installed: {', '.join(missing) or 'none'}\n")
    print("Columns of peers: convlab's time divided by theirs, so below 1 convlab is faster.")
    results = []
    for direction in directions:
        print(f"\n{direction}\n{report.header()}")
        for case in cases:
            result = measure_case(case, direction, peers, peak, rounds, seconds, rest=options.threads > 1)
            print(report.line(result), flush=True)
            results.append(result)
    print("\n" + report.summary_text(report.summary(results, options.threads)))
    if options.json:
        report.write(options.json, report.as_json(facts, results, options.threads))


def start(threads: int) -> list[Peer]:
    """Give every library its threads; the peers that are installed."""
    convlab.set_threads(threads)
    peers = [peer for peer in PEERS if peer.installed]
    if any(peer.module == "tensorflow" for peer in peers):
        with quiet_tensorflow():
            import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    if any(peer.module == "torch" for peer in peers):
        import torch

        torch.set_num_threads(threads)
    if any(peer.module == "cv2" for peer in peers):
        import cv2

        cv2.setNumThreads(threads)
    return peers


def measure_case(
    case: Case, direction: str, peers: Sequence[Peer], peak: float, rounds: int, seconds: float, rest: bool = False
) -> report.Result:
    """One layer in one direction, its results compared with TensorFlow's first."""
    arrays = case.arrays()
    jobs = {"convlab": CONVLAB.make(case, arrays, direction)}
    jobs |= {peer.name: job for peer in peers if (job := peer.make(case, arrays, direction)) is not None}
    errors = _errors(jobs)
    wrong = {name: error for name, error in errors.items() if error > TOLERANCE}
    if wrong:
        raise ValueError(f"{case.label}, {direction}: results differ from TensorFlow's: {wrong}")
    found = measure.times(jobs, seconds=seconds, rounds=rounds, rest=rest)
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
        memory={
            name: measure.peak_memory(jobs[name])
            for name in jobs
            if name in ("convlab", "textbook im2col") and not isinstance(jobs[name], Part)
        },
    )


def _errors(jobs: dict[str, Any]) -> dict[str, float]:
    """The largest difference of each job's results from TensorFlow's, relative to the largest of TensorFlow's."""
    expected = _arrays(jobs[TENSORFLOW[0]]())
    found = {}
    for name, job in jobs.items():
        if isinstance(job, Part):
            continue  # most of its output was never computed
        got = _arrays(job())
        found[name] = max(
            float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(got, expected, strict=False)
        )  # gradients: convlab gives the bias's too, others do not
    return found


def _arrays(result: Any) -> list[np.ndarray]:
    return [np.asarray(array) for array in (result if isinstance(result, list | tuple) else [result])]
