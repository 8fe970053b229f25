"""What became of a call, and who runs calls."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from kdprobe.core.words import said


class TookTooLong(Exception):
    """A call was ended because its limit of time was over."""


class Ended(Exception):
    """A call raised what ends a process, such as SystemExit: here it ends the call alone."""


class Outcome(NamedTuple):
    """What became of a submitted call: its result, or the exception that ended it."""

    key: str
    result: Any
    error: BaseException | None
    lost: bool
    """Whether its worker died each time it was tried."""

    @property
    def reason(self) -> str:
        """Why it failed, in words."""
        if self.lost:
            return "its worker died twice (out of memory, or a crash in native code): run it alone with --jobs 1 to see why"
        if isinstance(self.error, TookTooLong | Ended):
            return f"{self.error}"
        return "" if self.error is None else f"{type(self.error).__name__}: {said(self.error)}"


class Executor(Protocol):
    """Runs calls in any order."""

    workers: int

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any, limit: float | None = None) -> None:
        """Hand over a call; it is ended after `limit` seconds where another process runs it."""
        ...

    def next(self) -> Outcome:
        """Wait for one call to end."""
        ...


def contained(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function; what ends a process ends the call alone.

    Raises
    ------
    Ended
        In place of SystemExit and of every other exception that is no Exception, but for an interrupt of this process.
    """
    try:
        return function(*arguments)
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        text = f"it raised {type(error).__name__}({said(error)}), which ends a process: raise an Exception in its place"
    raise Ended(text)  # alone: whoever hands it on from a worker must not come upon what ends processes
