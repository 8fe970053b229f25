"""Would distillation help on these data? An answer before anything is trained, from the theorems whose assumptions hold."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from scipy.special import chdtri  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.arguments import whole
from kdprobe.core.errors import DataError
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.stats.intervals import Interval, from_left_out
from kdprobe.theory.gains import teacher_sizes
from kdprobe.theory.objectives import Objective, enhancement, nested, percent, self_distillation, silent, unasked
from kdprobe.theory.sample import Order, Sample, read_sample
from kdprobe.theory.theorem import Applies, Check, applies, theorems

GROUPS = 20


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What theory says of somebody's data.

    Parameters
    ----------
    objectives
        By name.
    noise, spectrum, alignment
        Residual variance of all features, in target variances; effective number of the features (participation ratio); share of what all
        features explain that the student's explain.
    rows, features, transfer, student
        n, d, m (None for endless) and p.
    theorems
        Every theorem, and whether it speaks of these data.
    notes
        What to look at before it is believed, such as a column that is the target under another name.
    """

    objectives: Mapping[str, Objective]
    noise: Result
    spectrum: Result
    alignment: Result
    rows: int
    features: int
    transfer: int | None
    student: int
    theorems: Mapping[str, Applies]
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> Objective:
        """The first objective that has an answer, or compression where none has."""
        return next((one for one in self.objectives.values() if one.verdict != "NOT APPLICABLE"), self.objectives["compression"])

    @property
    def sentence(self) -> str:
        """The answer: what the first objective that has one says."""
        return self.first.says

    def __str__(self) -> str:
        first = self.first
        rows = "endless" if self.transfer is None else f"{self.transfer:,}"
        lines = [text for text in (first.says, first.next) if text]
        told = (str(one) if one is not first else f"{one.name}: {one.verdict}: see the answer above." for one in self.objectives.values())
        lines += ["", *told, ""]
        lines += [
            f"rows: {self.rows:,} labelled, {rows} unlabelled; features: {self.features}, of which the student has {self.student}",
            f"noise, in target variances: {self.noise}",
            f"effective number of features: {self.spectrum}",
            f"share of what is explained that the student's features explain: {self.alignment}",
        ]
        if first.sizes:
            lines += ["", "teacher's features: share of the twin's excess risk that distilling takes off (95 % for all at once)"]
            lines += [f"{one.teacher:6d}: {percent(one.share)}" for one in first.sizes]
        lines += ["", "theorems:"]
        for name, one in self.theorems.items():
            lines.append(f"  {name}: " + ("applicable" if one.applicable else f"not applicable: {'; '.join(one.failed)}"))
        return "\n".join(lines)


def advise(
    X: Any,
    y: Any,
    *,
    unlabelled: Any = None,
    student: int | None = None,
    teacher: int | None = None,
    teachers: int = 1,
    ridge: float | None = None,
    order: Order = "principal",
) -> Advice:
    """Say whether distillation would help on somebody's regression data, before anything is trained.

    Parameters
    ----------
    X
        (n, d) labelled rows, all numbers.
    y
        (n,) labels.
    unlabelled
        (m, d) rows without labels, or how many there will be (``math.inf`` for endless). Without them a student learns on its teacher's
        rows, where least squares gains nothing.
    student
        p, features of the student; by default a quarter.
    teacher
        q, features of the teacher. By default several sizes are tried, and the intervals are wider for it.
    teachers
        Independent teachers, each with n labelled rows of its own: for the objective "enhancement".
    ridge
        λ of a ridge that is to be distilled into itself, on standardised columns and sums of squares; by default the best one.
    order
        In which order models take features in: principal components of all rows, or the columns as given.

    Returns
    -------
    Advice
        Printing it gives the answer first. Cost: O((n + m) d²); 100,000 rows of 50 columns take seconds.

    Raises
    ------
    DataError
        If data cannot be used, with the condition that fails: NaN, constant or singular columns, a constant target, n < max(p, q) + 3, or
        m < p + 3.

    Notes
    -----
    Predictions are for least squares and ridge. How far networks follow them is what `kdprobe sweep --gap` measures.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 12))
    >>> y = x @ (3 * np.arange(1, 13) ** -0.5) + rng.normal(size=300)
    >>> advice = advise(x, y, unlabelled=5000, student=3, order="columns")
    >>> advice.objectives["compression"].verdict, advice.objectives["compression"].teacher
    ('SUPPORTED', 12)
    """
    many = whole("teachers", teachers, least=1, advice="give a whole number from 1 on")
    largest = None if teacher is None else whole("teacher", teacher, least=1, advice="give a number of features from 1 on")
    if ridge is not None and (isinstance(ridge, bool) or not isinstance(ridge, Real) or not 0 < ridge < math.inf):
        raise DataError(f"ridge={ridge!r}: give a number above 0, or none for the best one")
    sample = read_sample(X, y, unlabelled=unlabelled, student=student, order=order, largest=largest)
    columns = len(sample.spectrum)
    if largest is not None and largest > columns:
        raise DataError(f"teacher={largest} of {columns} features: give 1 to {columns}")
    if 0 < sample.transfer < sample.student + 3:
        least = sample.student + 3
        raise DataError(
            f"{sample.transfer:.0f} unlabelled rows: a student of {sample.student} features has a finite expected risk from {least} on"
        )
    known: dict[str, Check] = {}
    found = {name: applies(theorem, sample, known=known) for name, theorem in theorems().items()}
    law = found["nested_ols"]
    ways = (
        _nested("compression", sample, law, largest),
        _nested("expansion", sample, law, largest),
        enhancement(sample, law, many),
        silent(
            "adaptation", "the law needs labelled rows of the place that the teacher comes from, and these are from one place", "nested_ols"
        ),
        self_distillation(sample, found["ridge_self_distillation"], ridge),
    )
    return Advice(
        objectives={one.name: one for one in ways}, noise=_noise(sample), spectrum=_grouped(sample, _effective, "the features"),
        alignment=_grouped(sample, _alignment, "what the features explain"), rows=sample.rows, features=columns,
        transfer=None if math.isinf(sample.transfer) else int(sample.transfer), student=sample.student, theorems=found,
    )  # fmt: skip


def _nested(name: str, sample: Sample, law: Applies, teacher: int | None) -> Objective:
    """Advice on larger or smaller teachers: on the one that is named, or on several sizes."""
    larger = name == "compression"
    if teacher is None:
        return nested(name, sample, law, teacher_sizes(sample, larger=larger))
    if (teacher >= sample.student) != larger:
        return unasked(name, teacher, sample.student)
    return nested(name, sample, law, (teacher,))


def _noise(sample: Sample) -> Result:
    size = sample.sizes
    freedom = sample.rows - size - 1
    if freedom < 8:
        return Refusal(reason=f"{freedom} degrees of freedom are left for the noise", advice="label more rows")
    value = sample.variance(size)
    low, high = (value * freedom / float(chdtri(freedom, tail)) for tail in (0.025, 0.975))
    return Measurement(value=value, low=low, high=high, n=sample.rows, estimand="this checkpoint")


def _grouped(sample: Sample, function: Callable[[np.ndarray, int, int], float], what: str) -> Result:
    """A function of the sums of products, with the interval that leaving out each of 20 groups of rows in turn gives."""
    rows, count = sample.rows, sample.sizes + 2
    every = np.column_stack([np.ones(rows), sample.features, sample.target])
    group = np.arange(rows) % GROUPS
    if rows < GROUPS + count + 2:
        return Refusal(reason=f"{rows} rows are too few for an interval of {what}", advice="label more rows")
    parts = np.stack([every[group == place].T @ every[group == place] for place in range(GROUPS)])
    total = parts.sum(axis=0)
    sizes = np.bincount(group, minlength=GROUPS)
    with np.errstate(all="ignore"):
        found = from_left_out(
            function(total, rows, sample.student),
            np.array([function(total - part, rows - int(size), sample.student) for part, size in zip(parts, sizes, strict=True)]),
            sizes.astype(np.float64),
        )  # fmt: skip
    return Measurement(value=found.value, low=found.low, high=found.high, n=rows) if isinstance(found, Interval) else found


def _effective(sums: np.ndarray, rows: int, student: int) -> float:
    mean = sums[0, 1:-1] / rows
    cov = sums[1:-1, 1:-1] / rows - np.outer(mean, mean)
    return float(np.trace(cov) ** 2 / (cov**2).sum())


def _alignment(sums: np.ndarray, rows: int, student: int) -> float:
    try:
        # coordinates of the labels along the features, each less those before it
        along = np.linalg.solve(np.linalg.cholesky(sums[:-1, :-1]), sums[:-1, -1])
    except np.linalg.LinAlgError:
        return math.nan
    explained = along[1:] ** 2
    noise = max(float(sums[-1, -1] - along @ along), 0.0) / (rows - len(along))
    total = float(explained.sum() - noise * len(explained))
    return float(explained[:student].sum() - noise * student) / total if total > 0 else math.nan
