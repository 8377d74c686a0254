"""A Dask cluster to grade on: an executor for `grade` that hands notebooks to workers on any number of machines.

    with executor("tcp://scheduler:8786") as cluster:
        grade("submitted", "grades", executor=cluster)

Whoever reaches a Dask scheduler can run code on its workers, and tcp:// is not encrypted. Keep it inside a network that
you trust, or use tls:// with certificates; Dask reads where they are from its settings, such as the environment
variables DASK_DISTRIBUTED__COMM__TLS__CA_FILE and DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and __KEY.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from convlab import __version__
from convlab.errors import ConvlabError
from convlab.grading.sandbox import Level, level

PATIENCE = 60.0  # seconds for the scheduler to answer, and for the first worker to be there
LARGE = "1GB"  # a handful of notebooks is no mistake, and needs no warning of Dask's about large graphs
SAME = "install the same on the scheduler, all workers and here."
INSTALL = 'Dask is needed here and is not installed: pip install "convlab[cluster]".'


@dataclass(frozen=True)
class Facts:
    """What must be the same on all machines, or be known of each. code: a digest of this package's files."""

    python: str
    convlab: str
    code: str
    level: Level


def executor(address: str) -> "Cluster":
    """An executor whose calls run on the workers of a Dask scheduler, such as "tcp://10.0.0.1:8786".

    Raises `ConvlabError` where Dask is not installed, nothing answers at the address, there is no worker, or a worker
    has another convlab.
    """
    try:
        import dask
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ConvlabError(INSTALL) from error
    dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGE})
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ConvlabError(
            f"no Dask scheduler answers at {address!r} ({error}): give the address that `dask scheduler` prints, such "
            "as tcp://10.0.0.1:8786, and start the scheduler and its workers first."
        ) from error
    try:
        return Cluster(client, address)
    except BaseException:
        client.close()
        raise


class Cluster(Executor):
    """The workers of one scheduler. level: the weakest sandbox that any of them had at the start."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        found = _ask_all(client, address)
        _refuse_others(found)
        self.level = max((facts.level for facts in found.values()), key=_weakness)
        self._calls = client.get_executor(pure=False)

    @property
    def workers(self) -> int:
        """How many calls the cluster runs at once; more when workers have joined."""
        known = self._reached(self._client.scheduler_info, n_workers=-1)["workers"].values()
        return max(sum(worker["nthreads"] for worker in known), 1)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As of any executor. Raises `ConvlabError` where the scheduler is gone."""
        return self._reached(self._calls.submit, _checked, facts_here().code, self.level, function, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the cluster, which goes on."""
        if self._client.status == "running":
            self._calls.shutdown(wait and not cancel_futures)
        else:  # it still tries to reach the scheduler, and would tell at length that it was stopped
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        self._client.close()

    def _reached(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What a call to the scheduler gives."""
        if self._client.status != "running":
            raise ConvlabError(self._gone())
        try:
            return call(*args, **kwargs)
        except OSError as error:
            raise ConvlabError(self._gone()) from error

    def _gone(self) -> str:
        return (
            f"the Dask scheduler at {self._address} is gone: start it and its workers again, then grade again; what "
            "was graded is kept."
        )


def _checked(code: str, weakest: Level, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a call on a worker, which may have joined late."""
    here = facts_here()
    if here.code != code:
        raise ConvlabError(f"a worker that joined the cluster has another convlab ({here.convlab}): {SAME}")
    if _weakness(here.level) > _weakness(weakest):
        raise ConvlabError(
            f"a worker that joined the cluster has a weaker sandbox ({here.level.value}) than those before "
            f"({weakest.value}): grade again to accept it, or mend it as `convlab doctor` says there."
        )
    return function(*args, **kwargs)


@cache
def facts_here() -> Facts:
    """Of this machine."""
    package, found = Path(__file__).parents[1], sha256()
    for path in sorted(package.rglob("*.py")):
        found.update(f"{path.relative_to(package).as_posix()}\0".encode() + path.read_bytes())
    return Facts(".".join(map(str, sys.version_info[:2])), __version__, found.hexdigest(), level())


def _weakness(each: Level) -> int:
    return list(Level).index(each)


def _ask_all(client: Any, address: str) -> Mapping[str, Facts]:
    """The facts of each worker by its address."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise ConvlabError(
            f"the Dask scheduler at {address} has no workers: start some with `dask worker {address}`."
        ) from error
    # first by a function that every worker has: what is not there cannot be asked
    for worker, version in client.run(metadata.version, "convlab", on_error="return").items():
        if version != __version__:
            has = f"convlab {version}" if isinstance(version, str) else f"no convlab ({version})"
            raise ConvlabError(f"the worker at {worker} has {has}, here is {__version__}: {SAME}")
    return client.run(facts_here)


def _refuse_others(found: Mapping[str, Facts]) -> None:
    here = facts_here()
    for worker, facts in found.items():
        if facts.code != here.code:
            raise ConvlabError(
                f"the worker at {worker} has other files of convlab {facts.convlab} than there are here: {SAME}"
            )
        if facts.python != here.python:
            raise ConvlabError(f"the worker at {worker} has Python {facts.python}, here is {here.python}: {SAME}")
