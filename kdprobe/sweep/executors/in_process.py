"""Calls in this process."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kdprobe.sweep.executors.outcome import Outcome, contained


class InProcess:
    """Runs calls here, one after the other, in the order they were submitted. It cannot end a call that takes too long."""

    workers = 1

    def __init__(self) -> None:
        self._queue: deque[tuple[str, Callable[..., Any], tuple[Any, ...]]] = deque()

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any, limit: float | None = None) -> None:
        """Hand over a call."""
        self._queue.append((key, function, arguments))

    def next(self) -> Outcome:
        """Run the next call."""
        key, function, arguments = self._queue.popleft()
        try:
            return Outcome(key, contained(function, *arguments), None, False)
        except Exception as error:
            return Outcome(key, None, error, False)


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
