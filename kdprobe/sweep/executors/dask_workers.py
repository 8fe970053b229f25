"""Calls on Dask workers."""

import faulthandler
import os
import queue
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from distributed import Client, KilledWorker

from kdprobe.core.errors import DataError
from kdprobe.sweep.executors.outcome import Ended, Outcome, TookTooLong, contained

LOOK = 2.0
"""Seconds between two looks at whether all workers are there."""
PATIENCE = 300.0
"""Seconds without any worker, or any answer, after which a sweep ends: longer than a busy machine takes to start a worker."""
ANSWER = 10.0
"""Seconds that a worker or its nanny has to answer."""
GRACE = 60.0
"""Seconds beyond its limit after which a call that did not end itself is ended from outside, with its worker."""


class _Call(NamedTuple):
    key: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    limit: float | None
    again: bool = False
    """Whether its worker has died once."""
    since: float = 0.0
    watched: float = 0.0
    """Seconds it was seen not to end while all workers were there, so that none of it was spent in waiting for one."""


class OnDask:
    """Runs calls on the workers of a Dask client. A call whose worker died is tried once more, with nothing beside it.

    Dask suspects every call that it has handed to a worker that dies, the one that waits as much as the one that runs. So no more calls are
    handed over than run, and which of them kills workers is found out alone: it costs no other call its result.

    Parameters
    ----------
    revive
        What brings back workers that are lost for good; None where that is the user's.
    """

    def __init__(self, client: Client, revive: Callable[[], None] | None = None):
        self._client = client
        self._scheduler: Any = client.scheduler
        self._revive = revive
        self.workers = max(self._alive()[1], 1)
        """How many calls run at once: the most that were seen to. Never 0: workers may all be on their way back just now."""
        self._waiting: deque[_Call] = deque()
        self._suspected: deque[_Call] = deque()
        self._running: dict[str, _Call] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._looked = self._last_seen = self._last_fetched = time.monotonic()

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any, limit: float | None = None) -> None:
        """Hand over a call; its worker ends itself after `limit` seconds of it."""
        self._waiting.append(_Call(key, function, arguments, limit))
        self._fill()

    def next(self) -> Outcome:
        """Wait for one call to end.

        Raises
        ------
        DataError
            If the scheduler was restarted or does not answer, no worker is left and none comes back, a call and its worker cannot be ended,
            or a result that is there does not come.
        """
        self._looked = self._last_seen = self._last_fetched = time.monotonic()
        self._fetching = LOOK
        while True:
            future = self._wait()
            result, error = None, None
            try:
                # it may be lost again with the worker that holds it, and is then made anew
                result = future.result(timeout=self._fetching)
            except Exception as raised:
                if future.status == "cancelled":
                    raise DataError("the Dask scheduler cancelled a call: it was restarted; run the same command again to resume") from None
                if future.status != "error":  # not the call's: what it gave was not had in time, or is lost
                    self._fetch_again(future, raised)
                    continue
                error = raised
            call, lost = self._running.pop(future.key), isinstance(error, KilledWorker)
            future.release()
            if lost and call.limit is not None and time.monotonic() - call.since >= call.limit:
                lost, error = False, TookTooLong(f"it took longer than {call.limit:.0f} s: raise --unit-timeout if it should")
            if lost and not call.again:
                self._suspected.append(call._replace(again=True))
            self._fill()
            if not lost or call.again:
                return Outcome(call.key, result, error, lost)

    def _wait(self) -> Any:
        """The next future that ended."""
        while True:
            if time.monotonic() - self._looked >= LOOK:
                self._look()
            with suppress(queue.Empty):
                return self._ended.get(timeout=LOOK)

    def _fetch_again(self, future: Any, raised: BaseException) -> None:
        if not future.done():
            self._last_fetched, self._fetching = time.monotonic(), LOOK  # it is being made anew
        elif time.monotonic() - self._last_fetched > PATIENCE:
            raise DataError(f"what {self._running[future.key].key} gave does not come ({raised}): run the same command again to resume")
        else:
            # Dask begins again at the beginning: what takes long would never come. No longer than all patience, as what fails at once is
            # asked for a thousand times in that
            self._fetching = min(2 * self._fetching, PATIENCE)
        # a future that was lost counts as ended to Dask, and would be back at once
        time.sleep(LOOK / 20)
        future.add_done_callback(self._ended.put)

    def _look(self) -> None:
        """See whether all workers are there, and do what can be done about it."""
        workers, threads = self._alive()
        now = time.monotonic()
        elapsed, self._looked = now - self._looked, now
        if workers:
            self._last_seen = now
        elif now - self._last_seen > PATIENCE:
            raise DataError("the Dask cluster has lost all its workers: run the same command again to resume")
        if self._revive is not None and threads < self.workers:
            self._revive()
        if threads > self.workers:
            self.workers = threads
            self._fill()
        elif threads == self.workers:
            self._end_overdue(elapsed)

    def _end_overdue(self, elapsed: float) -> None:
        """End the workers of calls that no longer end themselves at their limit, such as those that took the alarm off."""
        for key, call in self._running.items():
            after = call.watched + elapsed
            self._running[key] = call._replace(watched=after)
            if call.limit is None or after <= call.limit + GRACE:
                continue
            if after > call.limit + GRACE + PATIENCE:
                raise DataError(
                    f"{call.key} went on {GRACE + PATIENCE:.0f} s beyond its limit of {call.limit:.0f} s, and its worker cannot be ended: "
                    "end the worker's process, and run the same command again to resume"
                )
            processing: Mapping[str, Any] = self._ask(self._scheduler.processing, workers=None)
            which = [worker for worker, keys in processing.items() if key in keys]
            for nanny in (True, False):  # a nanny can end a worker that does not answer; not all of a user's workers have one
                with suppress(Exception):
                    self._client.run(_kill, os.getpid(), workers=which, nanny=nanny, on_error="ignore", callback_timeout=ANSWER)

    def _alive(self) -> tuple[int, int]:
        """Workers that the scheduler knows, and how many calls they run at once."""
        threads: Mapping[str, int] = self._ask(self._scheduler.ncores)
        return len(threads), sum(threads.values())

    def _ask(self, asked: Any, **arguments: Any) -> Any:
        """What the scheduler answers."""
        try:
            return self._client.sync(asked, **arguments, callback_timeout=PATIENCE)
        except (OSError, RuntimeError) as error:  # a TimeoutError is an OSError
            raise DataError(f"the Dask scheduler does not answer ({error}): run the same command again to resume") from error

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
        future: Any = self._client.submit(
            on_worker, call.limit, call.function, *call.arguments, key=f"{call.key}-{time.monotonic_ns()}", pure=False
        )
        self._running[future.key] = call._replace(since=time.monotonic())
        future.add_done_callback(self._ended.put)


def _kill(sweep: int, dask_worker: Any) -> None:
    """End a worker's process, asked of its nanny or of itself; not that of the sweep, where a user's workers are threads of it."""
    pid = getattr(dask_worker, "pid", None) or os.getpid()
    if pid != sweep:
        os.kill(pid, signal.SIGKILL)


def on_worker(limit: float | None, function: Callable[..., Any], *arguments: Any) -> Any:
    """Make a call in a worker, on one thread. After `limit` seconds the worker ends itself, whatever the call is doing.

    Not by a thread of Python's, which a call that never lets go of the interpreter would keep from running.
    """
    import torch

    torch.set_num_threads(1)
    with open(os.devnull, "w") as nowhere:
        if limit is not None:
            faulthandler.dump_traceback_later(limit, exit=True, file=nowhere)
        try:
            return contained(function, *arguments)
        except KeyboardInterrupt:
            pass  # nobody interrupts a worker: the call raised it, and Dask would end the worker for it
        finally:
            if limit is not None:
                faulthandler.cancel_dump_traceback_later()
    raise Ended("it raised KeyboardInterrupt, which ends a process: raise an Exception in its place")
