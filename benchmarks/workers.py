"""One process for each library, so that none is disturbed by the threads, the memory or the imports of another."""

from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks import measure
from benchmarks.cases import Case
from benchmarks.peers import Part, Peer


class Worker:
    """One peer, and the layer that it computes now."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.job: Any = None

    def prepare(self, case: Case, direction: str) -> list[np.ndarray] | None:
        """Make the job; what it computes, nothing for a `Part`, None where the peer has no such layer."""
        self.job = self.peer.make(case, case.arrays(), direction)
        if self.job is None or isinstance(self.job, Part):
            return None if self.job is None else []
        result = self.job()
        return [np.asarray(array) for array in (result if isinstance(result, list | tuple) else [result])]

    def time(self) -> float:
        """Seconds that the job takes."""
        return measure.time_of(self.job)

    def memory(self) -> int:
        """Bytes that NumPy holds at most while the job runs."""
        return measure.peak_memory(self.job)

    def stop(self) -> None:
        """Let go of it."""
        self.job = None


class RemoteWorker(Worker):
    """The same in a process of its own; it sleeps between the calls."""

    def __init__(self, peer: Peer, threads: int) -> None:
        super().__init__(peer)
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, peer, threads), daemon=True)
        self._process.start()

    def _ask(self, method: str, *arguments: Any) -> Any:
        self._pipe.send((method, arguments))
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def prepare(self, case: Case, direction: str) -> list[np.ndarray] | None:
        return self._ask("prepare", case, direction)

    def time(self) -> float:
        return self._ask("time")

    def memory(self) -> int:
        return self._ask("memory")

    def stop(self) -> None:
        self._pipe.close()
        self._process.join()


def _serve(pipe: Any, peer: Peer, threads: int) -> None:
    """Answer until the other end is closed."""
    peer.start(threads)
    worker = Worker(peer)
    while True:
        try:
            method, arguments = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(getattr(worker, method)(*arguments))
        except Exception as error:
            pipe.send(error)
