"""Dask clusters: one made for a run on this machine, and the user's own."""

import asyncio
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from dask.config import set as configured
from distributed import Client, LocalCluster, Nanny, Security, Status, WorkerPlugin
from distributed.nanny import WorkerProcess
from distributed.system import MEMORY_LIMIT

from kdprobe.core.errors import DataError, PlanError
from kdprobe.training.device import check_device

START = 300.0
"""Seconds that a worker may take to start."""
ANSWER = 60.0
"""Seconds that a user's workers have to say whether they are of use."""
CLOSE = 30.0
"""Seconds after which workers that do not close are killed."""

# glibc keeps what is freed: each step needs it again, and to get it back from the system takes longer than to fill it
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1") | {
    "MALLOC_TRIM_THRESHOLD_": f"{512 << 20}",
    "MALLOC_MMAP_THRESHOLD_": f"{32 << 20}",
}
CONFIGURATION: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,  # we try again ourselves, see `OnDask`
    "distributed.nanny.pre-spawn-environ": ENVIRONMENT,
    "distributed.worker.multiprocessing-method": "spawn",  # forking a process that runs torch threads can hang
    "distributed.admin.large-graph-warning-threshold": "1GB",
    # a busy machine may take longer than Dask's 15 s to start a worker again, and what it has done until then would be thrown away
    "distributed.deploy.lost-worker-timeout": f"{START:.0f}s",
    # workers hold next to nothing between calls: one that is over its memory is ended, for if it only paused nobody would wake it
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # pages that anybody on the machine could read
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


class SteadyNanny(Nanny):
    """Starts its worker again even if that died while it was being started, or closes itself so that another may take its place.

    Dask's own takes such an exit for a failed start and leaves the worker dead. A call that kills at once may do that: a worker can be
    given it as soon as the scheduler knows of the worker, which is before its nanny does.
    """

    @property
    def gone(self) -> bool:
        """Whether it will not start a worker again."""
        return self.status in (Status.closed, Status.failed)

    async def instantiate(self) -> Status:
        """Start the worker; where not even its process could be started, close."""
        became = await super().instantiate()
        if became == Status.failed:
            await self.close(reason="no process")
        return became

    async def close(self, timeout: float = 5, reason: str = "nanny-close") -> Literal["OK"]:
        """Close it; no process of a worker stays behind, such as one that hung while it started: Python would wait for it at its end.

        Dask asserts that a process which it ends has been started, and that error would hide why it was not.
        """
        kept = self.process
        try:
            return await super().close(timeout=timeout, reason=reason)
        except AssertionError:
            return "OK"
        finally:
            _kill(kept)

    async def _on_worker_exit(self, exitcode: int) -> None:
        while self.status in (Status.init, Status.starting):
            await asyncio.sleep(0.05)
        await super()._on_worker_exit(exitcode)


class EndWithParent(WorkerPlugin):
    """Ends a worker when the process that started it is gone, however it went: an orphan must not write into the zoo."""

    def __init__(self, parent: int):
        self._parent = parent

    def setup(self, worker: Any) -> None:
        """Begin to watch."""

        def watch() -> None:
            while os.getppid() == self._parent:
                time.sleep(0.2)
            os._exit(1)

        threading.Thread(target=watch, daemon=True, name="watch-parent").start()


@contextmanager
def local_cluster(jobs: int, *, memory: int | None = None) -> Iterator[tuple[Client, Callable[[], None]]]:
    """A cluster of this run alone, and what brings back workers that it has lost.

    Whoever can talk to a worker can make it run code. So all talk is encrypted, and only who has the certificate of this run takes part.
    It is made here, its key is never in a file that others may read nor on a command line, and no one else on the machine has it. What
    workers write for themselves lies in a folder that only this user may enter.
    """
    with ExitStack() as stack:
        stack.enter_context(configured(CONFIGURATION))
        private = stack.enter_context(tempfile.TemporaryDirectory(prefix="kdprobe-", ignore_cleanup_errors=True))
        try:
            cluster: Any = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                worker_class=SteadyNanny,
                host="127.0.0.1",
                protocol="tls://",
                security=Security.temporary(),
                local_directory=private,
                memory_limit=memory or MEMORY_LIMIT * 4 // (5 * jobs),  # an eater ends its worker, not the machine
                dashboard_address="127.0.0.1:0",  # any free port: another cluster on this machine must not matter
                scheduler_kwargs={"dashboard": False},
                silence_logs=50,
                death_timeout=START,
                plugins=(EndWithParent(os.getpid()),),
            )
        except (OSError, RuntimeError) as error:
            raise DataError(f"jobs={jobs}: workers could not be started ({error}): give fewer, or 0 to run in this process") from error
        stack.callback(_close, cluster)
        client = stack.enter_context(Client(cluster, set_as_default=False))
        yield client, lambda: cluster.loop.add_callback(_revive, cluster)


async def _revive(cluster: Any) -> None:
    """Start workers in the place of those whose nanny gave up: nothing else does, and to Dask a nanny that could not start is there."""
    for name, nanny in list(cluster.workers.items()):
        if nanny.gone:
            del cluster.workers[name]
    with suppress(Exception):  # a nanny that could not start its worker either: it is gone at the next look
        await cluster._correct_state()


def _close(cluster: Any) -> None:
    """Close a cluster; what of it does not close in time, or in order, is killed: all that was asked of it is done.

    A worker that hangs while it starts would be waited for without end, and Dask has assertions that do not hold for one that is starting.
    """
    try:
        cluster.close(timeout=CLOSE)
    except Exception:
        for nanny in cluster._created:
            _kill(nanny.process)
        cluster.status = Status.closed  # else Dask waits for it once more when Python ends


def _kill(process: WorkerProcess | None) -> None:
    if process is not None and process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


@contextmanager
def users_cluster(address: str, zoo: Path, device: str) -> Iterator[Client]:
    """The user's own cluster, once its workers are seen to be of use. Its security is the user's: what Dask's configuration says."""
    try:
        client = Client(address, set_as_default=False, timeout="10s")
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise PlanError(f"scheduler={address!r} cannot be reached ({error}): give the address that `dask scheduler` prints") from error
    with client:
        try:
            threads = client.nthreads(callback_timeout=ANSWER)
        except TimeoutError:
            raise PlanError(
                f"scheduler={address!r} did not answer in {ANSWER:.0f} s: see whether it is overloaded, or start another"
            ) from None
        if not threads:
            raise PlanError(f"scheduler={address!r} has no workers: start some with `dask worker {address}`")
        sees = _run_on_all(client, _sees, str(zoo.absolute() / "lock"), (zoo / "lock").read_text())
        blind = [worker for worker, seen in sees.items() if not seen]
        if blind:
            raise PlanError(f"worker {min(blind)} does not see {zoo}: give --out a folder that all workers share")
        _run_on_all(client, check_device, device)
        yield client


def _run_on_all(client: Client, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    try:
        said: Any = client.run(function, *arguments, callback_timeout=ANSWER)
    except TimeoutError:
        raise PlanError(f"a worker of the scheduler did not answer in {ANSWER:.0f} s: end those that hang, and start others") from None
    return said


def _sees(path: str, content: str) -> bool:
    return os.path.exists(path) and Path(path).read_text() == content
