"""Where units of work run: in this process, or on Dask workers. Both hand back one outcome at a time."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from kdprobe.core.errors import DataError, PlanError
from kdprobe.training.device import check_device


class Outcome(NamedTuple):
    """What became of a submitted call: its result, or the exception that ended it."""

    key: str
    result: Any
    error: BaseException | None
    lost: bool
    """Whether its worker died each time it was tried."""


class Executor(Protocol):
    """Runs calls in any order."""

    workers: int

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Hand over a call."""
        ...

    def next(self) -> Outcome:
        """Wait for one call to end."""
        ...


class InProcess:
    """Runs calls here, one after the other, in the order they were submitted."""

    workers = 1

    def __init__(self) -> None:
        self._queue: deque[tuple[str, Callable[..., Any], tuple[Any, ...]]] = deque()

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Hand over a call."""
        self._queue.append((key, function, arguments))

    def next(self) -> Outcome:
        """Run the next call."""
        key, function, arguments = self._queue.popleft()
        try:
            return Outcome(key, function(*arguments), None, False)
        except Exception as error:
            return Outcome(key, None, error, False)


class _Call(NamedTuple):
    key: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    again: bool = False
    """Whether its worker has died once."""


class OnDask:
    """Runs calls on the workers of a Dask client. A call whose worker died is tried once more, with nothing beside it.

    Dask suspects every call that it has handed to a worker that dies, the one that waits as much as the one that runs. So no more calls are
    handed over than run, and which of them kills workers is found out alone: it costs no other call its result.
    """

    def __init__(self, client: Any):
        from distributed import as_completed

        self._client = client
        self._completed = as_completed(loop=client.loop)
        self.workers = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
        self._waiting: deque[_Call] = deque()
        self._suspected: deque[_Call] = deque()
        self._running: dict[str, _Call] = {}

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Hand over a call."""
        self._waiting.append(_Call(key, function, arguments))
        self._fill()

    def next(self) -> Outcome:
        """Wait for one call to end."""
        from distributed import KilledWorker

        while True:
            future = next(self._completed)
            if future.status == "cancelled":
                raise DataError("the Dask scheduler cancelled a call: it was restarted; run the same command again to resume")
            error = future.exception() if future.status == "error" else None
            result = None if error is not None else future.result()
            call, lost = self._running.pop(future.key), isinstance(error, KilledWorker)
            future.release()
            if lost and not call.again:
                self._suspected.append(call._replace(again=True))
            self._fill()
            if not lost or call.again:
                return Outcome(call.key, result, error, lost)

    def _fill(self) -> None:
        """Hand over as many calls as run at once; of the suspected ones, one alone."""
        if self._suspected:
            if not self._running:
                self._start(self._suspected.popleft())
            return
        if any(call.again for call in self._running.values()):
            return
        while self._waiting and len(self._running) < self.workers:
            self._start(self._waiting.popleft())

    def _start(self, call: _Call) -> None:
        # pure=False and a key of our own: Dask must never answer from a call of an earlier sweep on the same cluster
        future = self._client.submit(call.function, *call.arguments, key=f"{call.key}-{time.monotonic_ns()}", pure=False)
        self._running[future.key] = call
        self._completed.add(future)


@contextmanager
def executor(jobs: int, scheduler: str | None, zoo: Path, device: str = "cpu") -> Iterator[Executor]:
    """Open the executor of a sweep.

    Parameters
    ----------
    jobs
        Worker processes on this machine; 0 runs in this process.
    scheduler
        Address of the user's own Dask scheduler, such as "tcp://10.0.0.1:8786". Its workers must see the zoo's folder.
    device
        What its workers must have to train on.
    """
    if scheduler is not None:
        with _users_cluster(scheduler, zoo, device) as client:
            yield OnDask(client)
    elif jobs:
        with _local_cluster(jobs) as client:
            yield OnDask(client)
    else:
        with one_thread():
            yield InProcess()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread, as in every worker: faster for small networks, and the same last bits wherever a model is trained."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _local_cluster(jobs: int) -> Iterator[Any]:
    from dask.config import set as configured
    from distributed import Client, LocalCluster

    environment = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
    # glibc keeps what is freed: each step needs it again, and to get it back from the system takes longer than to fill it
    environment |= {"MALLOC_TRIM_THRESHOLD_": f"{512 << 20}", "MALLOC_MMAP_THRESHOLD_": f"{32 << 20}"}
    configuration = {
        "distributed.scheduler.allowed-failures": 0,  # we try again ourselves, see `OnDask`
        "distributed.nanny.pre-spawn-environ": environment,
        "distributed.worker.multiprocessing-method": "spawn",  # forking a process that runs torch threads can hang
        "distributed.admin.large-graph-warning-threshold": "1GB",
    }
    with (
        configured(configuration),
        LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any free port: another cluster on this machine must not matter
            scheduler_kwargs={"dashboard": False},
            silence_logs=50,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.run(_watch_parent, os.getpid())
        client.run(_prepare_worker)
        yield client


@contextmanager
def _users_cluster(address: str, zoo: Path, device: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, set_as_default=False, timeout="10s")
    except (OSError, ValueError) as error:
        raise PlanError(f"scheduler={address!r} cannot be reached ({error}): give the address that `dask scheduler` prints") from error
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise PlanError(f"scheduler={address!r} has no workers: start some with `dask worker {address}`")
        sees: Any = client.run(_sees, str(zoo.absolute() / "lock"), _lock_content(zoo))
        blind = [worker for worker, seen in sees.items() if not seen]
        if blind:
            raise PlanError(f"worker {min(blind)} does not see {zoo}: give --out a folder that all workers share")
        client.run(_prepare_worker)
        client.run(check_device, device)
        yield client


def _lock_content(zoo: Path) -> str:
    return (zoo / "lock").read_text()


def _sees(path: str, content: str) -> bool:
    return os.path.exists(path) and Path(path).read_text() == content


def _prepare_worker() -> None:
    import torch

    torch.set_num_threads(1)


def _watch_parent(parent: int) -> None:
    """End this worker when the process that started it is gone, however it went: an orphan must not write into the zoo."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watch-parent").start()
