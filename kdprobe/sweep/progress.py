"""Progress on standard error: models trained, cells measured, failures, time left."""

import sys
from typing import Protocol, Self


class Progress(Protocol):
    """What a run reports as it goes."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *details: object) -> None: ...
    def begin(self, *, models: int, trained: int, cells: int, measured: int) -> None:
        """Announce how much there is to do, and how much of it is there already."""
        ...

    def trained(self, models: int, failed: int) -> None:
        """Models that a worker has handed back."""
        ...

    def measured(self, *, failed: bool) -> None:
        """One group of students has been measured."""
        ...


class NoProgress:
    """Says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def begin(self, *, models: int, trained: int, cells: int, measured: int) -> None:
        """Say nothing."""

    def trained(self, models: int, failed: int) -> None:
        """Say nothing."""

    def measured(self, *, failed: bool) -> None:
        """Say nothing."""


class RichProgress:
    """Two bars on standard error; where that is no terminal, one line every tenth of the way."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[red]{task.fields[failed]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._failures = 0
        self._last_tenth = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._bars.stop()

    def begin(self, *, models: int, trained: int, cells: int, measured: int) -> None:
        """Show the bars."""
        self._models = self._bars.add_task("models", total=models, completed=trained, failed="")
        self._cells = self._bars.add_task("probes", total=cells, completed=measured, failed="")
        self._total, self._done = models + cells, trained + measured
        if trained or measured:
            print(f"resuming: {trained} of {models} models and {measured} of {cells} probe tables are there", file=sys.stderr)

    def trained(self, models: int, failed: int) -> None:
        """Advance the models."""
        self._bars.advance(self._models, models + failed)
        self._count(models + failed, failed)
        if failed:
            self._bars.update(self._models, failed=f"{self._failures} failed")

    def measured(self, *, failed: bool) -> None:
        """Advance the probes."""
        self._bars.advance(self._cells)
        self._count(1, int(failed))

    def _count(self, done: int, failed: int) -> None:
        self._done += done
        self._failures += failed
        tenth = 10 * self._done // max(1, self._total)
        if not self._console.is_terminal and tenth > self._last_tenth:
            self._last_tenth = tenth
            failures = f", {self._failures} failed" if self._failures else ""
            print(f"{10 * tenth} % done{failures}", file=sys.stderr)
