"""Students that are read together: one in one arm, its runs by seed and teacher size, cut to complete pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from kdprobe.core.axes import AXES
from kdprobe.core.registry import available
from kdprobe.report.evidence.arms import Frame
from kdprobe.stats.pairing import Paired, complete_pairs, shared_pairs


class Group:
    """One student in one arm: its runs by seed and teacher size.

    Parameters
    ----------
    frame
        Rows of `Evidence.students`.
    tuned
        Whether each teacher size has settings of its own, chosen on validation rows.
    """

    def __init__(self, frame: Frame, *, tuned: bool = False):
        first = frame.iloc[0]
        self.frame, self.tuned = frame, tuned
        self.task, self.kind, self.arm, self.student = (str(first[name]) for name in ("task", "kind", "arm", "student"))
        self.student_size = int(first["size"])
        self.axis: str = str(first.get("axis", ""))
        """The axis that it changes of the plan's own setting; "" where it changes none."""
        self.beside: str = AXES[self.axis].told(first["value"]) if self.axis else ""
        """That change as a sentence says it, such as "at T 2"."""
        self.own_arm: str = str(first.get("own_arm", self.arm))
        """The arm at the plan's own setting that it stands beside; its own name where it is there itself."""
        self.scheme = str(first.get("scheme"))
        scheme: Any = available("schemes").get(self.scheme)
        # a distiller whose targets hold no knowledge makes a control of any regime
        taught: Any = available("distillers").get(str(first.get("distiller")))
        broken = "" if taught is None or taught.knowledge != "control" else f"targets without knowledge ({taught.title})"
        self.control: str = broken if scheme is None or scheme.judged else scheme.regime
        """What its student is a control of, where nothing is claimed of it."""
        self.teachers: tuple[str, ...] = tuple(dict.fromkeys(frame["teacher"]))
        self.sizes = frame.drop_duplicates("teacher")["teacher_size"].to_numpy(dtype=float)
        pairs = list(zip(frame["draw"], frame["seed"], strict=True))
        self.seeds = sorted(set(pairs))
        self._row = [self.seeds.index(pair) for pair in pairs]
        self._column = [self.teachers.index(name) for name in frame["teacher"]]

    @property
    def primary(self) -> bool:
        """Whether it is at the plan's own setting: what stands beside it is read with it, and is no claim of the page."""
        return not self.beside

    def grid(self, values: Frame, *, of: Literal["model_id", "teacher_id", "twin_id"] = "model_id") -> np.ndarray:
        """Values by model as (seeds, teacher sizes); NaN where there is none."""
        found = np.full((len(self.seeds), len(self.teachers)), np.nan)
        found[self._row, self._column] = values.reindex(self.frame[of]).to_numpy(dtype=float)
        return found

    def curve(self, grids: dict[str, np.ndarray]) -> "Curve":
        """Cut grids to the pairs that all of them have; see `kdprobe.stats.pairing.complete_pairs`."""
        return self._curve(complete_pairs(grids, self.draws), np.zeros(len(self.teachers), dtype=np.int64))

    def shared(self, grids: dict[str, np.ndarray]) -> "Curve":
        """Keep every run that all grids have, NaN where there is none; see `kdprobe.stats.pairing.shared_pairs`."""
        lacking = (~np.isfinite(np.stack(list(grids.values())))).any(axis=0).sum(axis=0)
        return self._curve(shared_pairs(grids, self.draws), lacking)

    @property
    def draws(self) -> np.ndarray:
        """(seeds,) draw of labelled rows of each seed."""
        return np.array([draw for draw, _ in self.seeds])

    def _curve(self, kept: Paired, lacking: np.ndarray) -> "Curve":
        return Curve(
            teachers=tuple(name for name, keep in zip(self.teachers, kept.columns, strict=True) if keep),
            sizes=self.sizes[kept.columns],
            values=kept.values,
            seeds=int(kept.rows.sum()),
            left_out=int((~kept.rows).sum()),
            missing=tuple(name for name, keep in zip(self.teachers, kept.columns, strict=True) if not keep),
            lacking={name: int(count) for name, count in zip(self.teachers, lacking, strict=True) if count},
            largest=bool(kept.columns[-1]) if len(kept.columns) else False,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Pairs of one student under its teacher sizes: complete, or all that any two sizes share."""

    teachers: tuple[str, ...]
    sizes: np.ndarray
    values: dict[str, np.ndarray]
    """(units, sizes) by name. Units are seeds, or the means of draws where there are several: seeds of one draw share their rows."""
    seeds: int
    """Seeds behind the units."""
    left_out: int
    """Seeds left out."""
    missing: tuple[str, ...]
    """Sizes left out."""
    lacking: dict[str, int] = field(default_factory=dict[str, int])
    """Teacher -> how many of all seeds lack it, where pairs need not be complete."""
    largest: bool = True
    """Whether the largest teacher that was asked for is there."""

    @property
    def clustered(self) -> bool:
        """Whether the units are draws of several seeds each."""
        return len(next(iter(self.values.values()))) < self.seeds


def axis(curves: Sequence[Curve]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Teacher sizes, ascending, and teachers of curves that are drawn together: an arm whose runs failed has fewer, or none."""
    names = {float(size): teacher for curve in curves for size, teacher in zip(curve.sizes, curve.teachers, strict=True)}
    sizes = sorted(names)
    return np.array(sizes), tuple(names[size] for size in sizes)


def short_names(teachers: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return what to call teachers in a sentence, and how to tell them apart there.

    Examples
    --------
    >>> short_names(["mlp-8", "mlp-16"]), short_names(["mlp-8", "cnn-4"])
    (('width', ('8', '16')), ('teacher', ('mlp-8', 'cnn-4')))
    >>> short_names(["1000", "2000"])  # of networks that were trained elsewhere the size is all that is known
    ('size', ('1000', '2000'))
    """
    families = {name.rpartition("-")[0] for name in teachers}
    if families == {""}:
        return "size", tuple(teachers)
    return ("width", tuple(name.rpartition("-")[2] for name in teachers)) if len(families) == 1 else ("teacher", tuple(teachers))
