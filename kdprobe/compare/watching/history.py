"""What `kdprobe.watch` gives: logs of a student, step by step."""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from kdprobe.compare.comparison import SIDES
from kdprobe.compare.contrast import contrasts
from kdprobe.compare.watching.adapters import lightning_callback, trainer_callback
from kdprobe.compare.watching.as_found import as_found, settle
from kdprobe.compare.watching.cast import TEACHER, Watched
from kdprobe.core.arguments import whole
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.trace import TaskKind
from kdprobe.core.words import listed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PROBES = {
    "classification": ("agreement_top1", "gain_calibrated", "cka", "cka_output", "calibration_transfer"),
    "regression": ("r2", "gain", "cka", "cka_output"),
}
"""Of each, one that reads little: agreement, gain, likeness of the last hidden layer and of outputs, calibration."""
KEYS = {"own": "student", "baseline": "twins", "difference": "over_twins", "panel": "over_twins"}
"""Comparison -> its name in a logger."""
NUMBERS = ("value", "low", "high")
Item = TypeVar("Item")


class Watch:
    """What `kdprobe.watch` gives: a student's logs so far."""

    def __init__(
        self, watched: Watched, kind: TaskKind, *, every: int | None, share: float, to: Callable[[dict[str, float], int], Any] | None
    ) -> None:
        known = available("probes")
        self._watched, self._probes = watched, {name: known[name] for name in PROBES[kind]}
        self._every, self._share, self._to = every, share, to
        self._results: dict[int, Mapping[str, Mapping[str, Result]]] = {}
        self._began: float | None = None
        self._spent = self._latest = 0.0
        self.last: int | None = None
        """The step that was logged last."""

    def __repr__(self) -> str:
        twins, steps = len(self._watched.twins), len(self._results)
        of_twins, of_steps = "twin" if twins == 1 else "twins", "step" if steps == 1 else "steps"
        return f"Watch({self._watched.n:,} rows, {twins} {of_twins}, {steps} {of_steps})"

    @property
    def cost(self) -> float:
        """Time of all logs over the time of the training beside them, since the first call of `due` or `log`; 0 before."""
        training = 0.0 if self._began is None else time.perf_counter() - self._began - self._spent
        return self._spent / training if training > 0 else 0.0

    def due(self, step: int) -> bool:
        """Whether a log is due: at each ``every`` steps, or where the time allows one more as long as the latest."""
        step = _step(step)
        self._begin()
        if self._every is not None:
            return step % self._every == 0
        assert self._began is not None
        training = time.perf_counter() - self._began - self._spent
        return not self._results or self._spent + self._latest <= self._share * training

    def log(self, step: int) -> dict[str, float]:
        """Measure the student as it is now, and return numbers for a logger.

        Parameters
        ----------
        step
            Whole, from 0 on. A step that is logged again replaces what it gave.

        Returns
        -------
        dict
            "kdprobe/PROBE/student", "kdprobe/PROBE/twins" (their mean) and "kdprobe/PROBE/over_twins" (student less twins), each with
            "_low" and "_high" for its 95 % interval. All are finite: what was refused is left out, its reason is in `to_frame`. A student
            whose outputs are no longer numbers is refused in every measure, with a RuntimeWarning, and the training goes on.

        Raises
        ------
        PlanError
            If the step is no whole number.
        """
        step = _step(step)
        self._begin()
        settle()
        started = time.perf_counter()
        with as_found():
            self._results[step] = self._measured()
        self._latest = time.perf_counter() - started
        self._spent += self._latest
        self.last = step
        numbers = _flat(self._results[step])
        if not numbers:
            # a logger would just go quiet
            why = next((found.reason for of in self._results[step].values() for found in of.values() if isinstance(found, Refusal)), "")
            warnings.warn(f"watch: nothing could be measured at step {step}: {why or 'no measure fits'}", RuntimeWarning, stacklevel=2)
        if self._to is not None:
            self._to(numbers, step)
        return numbers

    def loop(self, batches: Iterable[Item]) -> Iterator[Item]:
        """Go through the batches of a training; log before the first, where it is due, and after the last.

        Steps are the batches that are done. Where the loop is left by ``break``, call `log` for the last one.

        Examples
        --------
        ::

            for x, y in watching.loop(loader):
                train_step(student, x, y)
        """
        done = 0
        if self.due(done):
            self.log(done)
        for batch in batches:
            yield batch
            done += 1
            if self.due(done):
                self.log(done)
        if self.last != done:
            self.log(done)

    def trainer_callback(self) -> Any:
        """Return a callback for a ``transformers.Trainer``: ``callbacks=[watching.trainer_callback()]``.

        Raises
        ------
        PlanError
            If transformers is not installed.
        """
        return trainer_callback(self)

    def lightning_callback(self) -> Any:
        """Return a callback for a Lightning ``Trainer``, whose loggers are given each log.

        Raises
        ------
        PlanError
            If Lightning is not installed.
        """
        return lightning_callback(self)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a step, probe and comparison, refused ones with their reason.

        Returns
        -------
        pandas.DataFrame
            Columns step, and probe, comparison, model, against, value, low, high, n, unit, status, reason and title, as in
            `kdprobe.Comparison.to_frame`. "panel" is the gain: the mean over twins.
        """
        import pandas as pd

        sides = SIDES | {twin: (twin, TEACHER) for twin in self._watched.twins}
        rows = [
            {
                "step": step,
                "probe": name,
                "comparison": comparison,
                "model": sides[comparison][0],
                "against": sides[comparison][1],
                **{key: getattr(result, key, None) for key in (*NUMBERS, "n", "unit", "status", "reason")},
                "title": self._probes[name].title,
            }
            for step, results in sorted(self._results.items())
            for name, found in results.items()
            for comparison, result in found.items()
        ]
        columns = ["step", "probe", "comparison", "model", "against", *NUMBERS, "n", "unit", "status", "reason", "title"]
        return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(NUMBERS, "float64") | {"n": "Int64", "step": "int64"})

    def plot(self) -> "Figure":
        """Return a matplotlib figure: one panel a measure over steps, the student beside its twins, with intervals.

        Raises
        ------
        PlanError
            If nothing was logged.
        """
        from kdprobe.compare.watching.plot import drawn

        if not self._results:
            raise PlanError("plot() has no step to show: call .log(step) first")
        return drawn(self.to_frame())

    def _begin(self) -> None:
        self._began = time.perf_counter() if self._began is None else self._began

    def _measured(self) -> dict[str, dict[str, Result]]:
        try:
            found = contrasts(self._probes, self._watched.read())
        except DataError as error:
            # a training that went astray is not stopped by who watches it
            refused = Refusal(reason=str(error))
            return {name: {"panel" if probe.panel else "own": refused} for name, probe in self._probes.items()}
        if idle := self._watched.idle():
            why = Refusal(
                reason=f"{listed(idle)} {'is' if len(idle) == 1 else 'are'} what the student was before it learned, and "
                f"{'has' if len(idle) == 1 else 'have'} not moved since",
                advice="train twins beside the student, or pass trained ones",
            )
            beside = {"baseline", "difference", "panel", *idle}
            found = {name: {key: why if key in beside else result for key, result in of.items()} for name, of in found.items()}
        return found


def _step(step: Any) -> int:
    return whole("step", step, least=0, advice="give the number of steps done, a whole number from 0 on")


def _flat(results: Mapping[str, Mapping[str, Result]]) -> dict[str, float]:
    return {
        f"kdprobe/{name}/{KEYS[comparison]}{'' if part == 'value' else f'_{part}'}": getattr(result, part)
        for name, found in results.items()
        for comparison, result in found.items()
        if comparison in KEYS and isinstance(result, Measurement)
        for part in NUMBERS
    }
