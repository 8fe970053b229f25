"""Which executor a sweep has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kdprobe.sweep.executors.in_process import InProcess, one_thread
from kdprobe.sweep.executors.outcome import Executor


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
    if scheduler is None and not jobs:
        with one_thread():
            yield InProcess()
        return
    # Dask takes half a second to import: a sweep in this process needs nothing of it
    from kdprobe.sweep.executors.clusters import local_cluster, users_cluster
    from kdprobe.sweep.executors.dask_workers import OnDask

    if scheduler is not None:
        with users_cluster(scheduler, zoo, device) as client:
            yield OnDask(client)
    else:
        with local_cluster(jobs) as (client, revive):
            yield OnDask(client, revive)
