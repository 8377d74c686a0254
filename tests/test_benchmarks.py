"""The benchmarks run, agree with TensorFlow, and report what they measured. No test looks at a clock."""

import json

import numpy as np
import pytest

from benchmarks import measure, report, run
from benchmarks.cases import TINY, Case, all_cases
from benchmarks.peers import BACKWARD, CONVLAB, FORWARD, PEERS, Part, Peer
from benchmarks.workers import RemoteWorker, Worker


@pytest.fixture(scope="module")
def results():
    workers = [Worker(peer) for peer in (CONVLAB, *PEERS) if peer.installed]
    return [run.measure_case(TINY, d, workers, 1e9, rounds=1, seconds=0) for d in (FORWARD, BACKWARD)]


def test_a_result_has_every_peer_that_is_installed(results):
    names = {"TF eager", "tf.function", "textbook im2col", "textbook loops"}
    assert names <= set(results[0].ratios)
    assert names - {"textbook loops"} <= set(results[1].ratios)
    assert set(results[0].milliseconds) == set(results[0].ratios) | {"convlab"}
    assert all(r.error < 1e-5 for r in results)
    assert results[0].memory["convlab"] >= np.prod(TINY.output) * 4


def test_the_table_and_the_json_say_the_same(results, tmp_path):
    assert len(report.header().split("  ")) > 1
    for result in results:
        assert f"{result.milliseconds['convlab']:.3f}ms" in report.line(result)
        assert f"{result.ratios['tf.function']:.2f}" in report.line(result) or result.ratios["tf.function"] < 0.01
    file = tmp_path / "results.json"
    report.write(file, report.as_json({"threads": 1}, results, 1))
    read = json.loads(file.read_text())
    assert [r["case"] for r in read["results"]] == ["tiny valid", "tiny valid"]
    assert read["results"][0]["ratios"] == results[0].ratios
    found = {row["what"]: row["found"] for row in read["summary"]}
    expected = max(results[0].ratios["TF eager"], results[0].ratios["tf.function"])
    assert found["dense and dilated, geometric mean"] == pytest.approx(expected)


def test_goals_are_judged():
    text = report.summary_text([("a", 0.5, 0.6), ("b", 0.7, 0.6), ("c", 3.0, None)])
    assert [line.rpartition(": ")[2] for line in text.splitlines()[1:3]] == ["met", "not met"]
    assert text.splitlines()[3].endswith("3.00")
    assert report.geometric_mean([0.5, 2.0, 1.0]) == pytest.approx(1)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.label)
def test_every_case_is_a_layer_that_its_geometry_describes(case):
    small = Case(**{**vars(case), "x": (1, *(min(n, 40) for n in case.x[1:3]), case.x[3])})
    arrays = small.arrays()
    output = CONVLAB.make(small, arrays, FORWARD)()
    assert output.shape == small.output
    assert small.macs > 0


def test_a_wrong_peer_is_refused():
    broken = Peer("convlab", "convlab", lambda case, arrays, direction: lambda: np.zeros(case.output))
    workers = [Worker(broken), *(Worker(peer) for peer in PEERS if peer.name == "TF eager")]
    with pytest.raises(ValueError, match="differ from TensorFlow"):
        run.measure_case(TINY, FORWARD, workers, 1e9, rounds=1, seconds=0)


def test_a_part_is_scaled_to_the_whole(monkeypatch):
    calls = []
    monkeypatch.setattr(measure, "_clock", lambda job: job() or 2.0)
    assert measure.time_of(Part(lambda: calls.append(1), share=0.25)) == 8
    assert len(calls) == 1


def test_a_worker_in_a_process_of_its_own_gives_the_same():
    remote = RemoteWorker(CONVLAB, threads=1)
    try:
        (y,) = remote.prepare(TINY, FORWARD)
        np.testing.assert_array_equal(y, Worker(CONVLAB).prepare(TINY, FORWARD)[0])
        assert remote.time() > 0
        assert remote.memory() > 0
        with pytest.raises(AttributeError):
            remote._ask("no such thing")
    finally:
        remote.stop()


def test_memory_counts_what_numpy_holds():
    assert measure.peak_memory(lambda: np.zeros(1_000_000)) == pytest.approx(8e6, rel=0.01)
