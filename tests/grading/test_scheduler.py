"""Grading on a Dask cluster of this machine: the same grades, lost workers survived, clear words where it cannot be."""

import csv
import os
import signal
import sys
import time
from concurrent.futures import Executor
from dataclasses import replace

import pytest

from convlab.errors import ConvlabError
from convlab.grading import grade, scheduler
from convlab.grading.sandbox import Level
from tests.grading.make import classroom, write_flat

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install convlab[cluster]")
dask = pytest.importorskip("dask")
psutil = pytest.importorskip("psutil")

SEED, CLASS = 3, 30


@pytest.fixture(scope="module")
def local():
    """Two workers, each a process. A task whose worker dies is not tried again by Dask, so that this is left to us."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), cluster_of(2) as local:
        yield local


def cluster_of(workers):
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    )


@pytest.fixture(scope="module")
def submitted(tmp_path_factory):
    return write_flat(tmp_path_factory.mktemp("class"), classroom(CLASS, "02_padding"))


@pytest.fixture(scope="module")
def expected(submitted, tmp_path_factory):
    out = tmp_path_factory.mktemp("plain")
    grade(submitted, out, seed=SEED, workers=2)
    return points(out)


def points(out):
    with open(out / "grades_by_problem.csv", encoding="utf-8-sig", newline="") as file:
        names = ("student", "problem", "attempt", "points", "verdict", "misconception")
        return [[row[name] for name in names] for row in csv.DictReader(file)]


def sandboxes(cluster):
    """The processes that the workers have started."""
    pids = cluster._client.run(os.getpid).values()
    return [child for pid in pids for child in psutil.Process(pid).children(recursive=True)]


def gone(processes):
    """Whether all end within some seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until and any(map(psutil.Process.is_running, processes)):
        time.sleep(0.05)
    return not any(process.is_running() for process in processes)


class Killing(Executor):
    """Kills one of the workers at a certain call."""

    def __init__(self, cluster, at):
        self._cluster, self._at, self._calls = cluster, at, 0
        self.level, self.workers = cluster.level, cluster.workers
        self.victim = next(iter(cluster._client.run(os.getpid).values()))

    def submit(self, *args, **kwargs):
        self._calls += 1
        if self._calls == self._at:
            self.left_over = psutil.Process(self.victim).children(recursive=True)
            os.kill(self.victim, signal.SIGKILL)
        return self._cluster.submit(*args, **kwargs)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_cluster_gives_the_same_grades_even_if_a_worker_is_killed(local, submitted, expected, tmp_path):
    assert len({row[0] for row in expected}) == CLASS
    with scheduler.executor(local.scheduler_address) as cluster:
        killing = Killing(cluster, at=7)
        summary = grade(submitted, tmp_path, seed=SEED, executor=killing)
        assert summary.graded == CLASS
        assert not summary.odd
        assert points(tmp_path) == expected
        cluster._client.wait_for_workers(2, timeout=60)
        assert killing.victim not in cluster._client.run(os.getpid).values()
        assert killing.left_over
        assert gone(killing.left_over)


def test_nothing_is_left_over_when_workers_end(submitted, expected, tmp_path):
    with cluster_of(1) as local, scheduler.executor(local.scheduler_address) as cluster:
        summary = grade(submitted, tmp_path, seed=SEED, executor=cluster)
        assert summary.graded == CLASS
        assert points(tmp_path) == expected
        running = sandboxes(cluster)
        assert running
    assert gone(running)


def test_it_knows_how_much_runs_at_once_and_how_safely(local):
    with scheduler.executor(local.scheduler_address) as cluster:
        cluster._client.wait_for_workers(2, timeout=60)
        assert cluster.workers == 2
        assert cluster.level is scheduler.facts_here().level


def test_the_weakest_sandbox_of_all_workers_is_told(monkeypatch):
    here = scheduler.facts_here()
    found = {"a": replace(here, level=Level.BUBBLEWRAP), "b": replace(here, level=Level.NONE)}
    monkeypatch.setattr(scheduler, "_ask_all", lambda client, address: found)
    assert scheduler.Cluster(Nothing(), "tcp://somewhere").level is Level.NONE


class Nothing:
    """A client without a cluster."""

    status = "closed"

    def get_executor(self, pure):
        return None


@pytest.mark.parametrize(
    ("other", "said"),
    [({"code": "0"}, "the worker at tcp://b has other files of convlab"), ({"python": "3.9"}, "has Python 3.9")],
)
def test_another_convlab_or_python_is_refused(monkeypatch, other, said):
    here = scheduler.facts_here()
    found = {"tcp://a": here, "tcp://b": replace(here, **other)}
    monkeypatch.setattr(scheduler, "_ask_all", lambda client, address: found)
    with pytest.raises(ConvlabError, match=said):
        scheduler.Cluster(Nothing(), "tcp://somewhere")


def test_a_worker_that_joins_late_is_asked_too():
    here = scheduler.facts_here()
    assert scheduler._checked(here.code, Level.NONE, max, 1, 2) == 2
    with pytest.raises(ConvlabError, match="has another convlab"):
        scheduler._checked("0", Level.NONE, max, 1, 2)
    if here.level is not Level.BUBBLEWRAP:
        with pytest.raises(ConvlabError, match="weaker sandbox"):
            scheduler._checked(here.code, Level.BUBBLEWRAP, max, 1, 2)


def test_a_worker_with_another_version_or_none_at_all_is_named(local, monkeypatch):
    monkeypatch.setattr("convlab.grading.scheduler.__version__", "9.9")
    with pytest.raises(ConvlabError, match=r"the worker at tcp://127.0.0.1:\d+ has convlab 0.*, here is 9.9: install"):
        scheduler.executor(local.scheduler_address)


def test_where_no_scheduler_answers(monkeypatch):
    monkeypatch.setattr(scheduler, "PATIENCE", 0.5)
    with pytest.raises(ConvlabError, match="no Dask scheduler answers at 'tcp://127.0.0.1:1'"):
        scheduler.executor("tcp://127.0.0.1:1")
    with pytest.raises(ConvlabError, match="no Dask scheduler answers at 'nonsense://x'"):
        scheduler.executor("nonsense://x")


def test_a_scheduler_without_workers(monkeypatch):
    monkeypatch.setattr(scheduler, "PATIENCE", 0.5)
    with cluster_of(0) as local, pytest.raises(ConvlabError, match="has no workers: start some with"):
        scheduler.executor(local.scheduler_address)


def test_a_scheduler_that_goes_away_ends_the_run_with_clear_words(submitted, tmp_path):
    local = cluster_of(1)
    with scheduler.executor(local.scheduler_address) as cluster:
        local.close()
        with pytest.raises(ConvlabError, match=f"the Dask scheduler at {local.scheduler_address} is gone"):
            grade(submitted, tmp_path, seed=SEED, executor=cluster)


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConvlabError, match=r'pip install "convlab\[cluster\]"'):
        scheduler.executor("tcp://127.0.0.1:8786")
