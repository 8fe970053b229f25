"""How often the advisor is right on real data: its word on 300 labelled rows, and what least squares then gains."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from _theory_data import SET_ASIDE, Real, draw_of
from paired import Interval, interval

from kdprobe import theory
from kdprobe.core.section import Column, Table
from kdprobe.stats.intervals import wilson
from kdprobe.theory.gains import nested_gains, ridge_gain, teacher_sizes
from kdprobe.theory.sample import Sample, read_sample

ANSWERED = ("SUPPORTED", "CONTRADICTED")


@dataclass(kw_only=True)
class Draws:
    """One set over its draws, one entry a draw; sizes of teachers are places on one grid of each draw."""

    data: Real
    verdicts: list[str] = field(default_factory=list)
    failed: list[tuple[str, ...]] = field(default_factory=list)
    """Names of the assumptions that fail."""
    named: list[int] = field(default_factory=list)
    """Place of the teacher that the advisor names."""
    predicted: list[np.ndarray] = field(default_factory=list)
    """(sizes, 3): value, low and high of the gain, whether or not the advisor would say it."""
    observed: list[np.ndarray] = field(default_factory=list)
    """(sizes,) gain over the whole set, in variances of its labels; of more draws than were asked about."""
    again: list[float] = field(default_factory=list)
    """What one more round of a tuned ridge gains, as a share of its squared error."""

    @property
    def error(self) -> np.ndarray:
        """(sizes,) standard error of that mean."""
        return np.std(self.observed, axis=0, ddof=1) / np.sqrt(len(self.observed))

    @property
    def mean(self) -> np.ndarray:
        """(sizes,) of what is gained, over draws."""
        return np.mean(self.observed, axis=0)

    @property
    def holds(self) -> np.ndarray:
        """(draws,) share of the sizes whose interval holds the mean gain."""
        p = np.array(self.predicted)
        return ((p[:, :, 1] <= self.mean) & (self.mean <= p[:, :, 2])).mean(axis=1)

    @property
    def meets(self) -> np.ndarray:
        """(draws,) share of the sizes whose interval meets that of the mean gain: what the mean's own error leaves open is no miss."""
        p, reach = np.array(self.predicted), 1.96 * self.error
        return ((p[:, :, 1] <= self.mean + reach) & (self.mean - reach <= p[:, :, 2])).mean(axis=1)

    @property
    def spoken(self) -> np.ndarray:
        """(draws,) whether the law applies."""
        return np.array(self.verdicts) != "NOT APPLICABLE"

    def right(self) -> list[bool]:
        """Of each draw with an answer, whether its sign is that of the mean gain; not of those whose mean is not told from 0."""
        return [right for _, right in self.settled()]

    def settled(self) -> list[tuple[str, bool]]:
        """The answers themselves with `right`."""
        found, reach = [], 1.96 * self.error
        for word, at in zip(self.verdicts, self.named, strict=True):
            chosen = slice(at, at + 1) if word == "SUPPORTED" else slice(None)
            helps, hurts = bool((self.mean - reach > 0)[chosen].any()), bool((self.mean + reach < 0)[chosen].all())
            if word in ANSWERED and (helps or hurts):
                found.append((word, helps if word == "SUPPORTED" else hurts))
        return found

    @property
    def answers(self) -> int:
        """Draws with an answer."""
        return sum(word in ANSWERED for word in self.verdicts)


def least_squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients with the intercept first."""
    return np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y, rcond=None)[0]


def said(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Predictions on the first features."""
    return coefficients[0] + x[:, : len(coefficients) - 1] @ coefficients[1:]


class Axes(NamedTuple):
    """Principal components: of a column x, (x - centre) / width turned by the vectors."""

    centre: np.ndarray
    width: np.ndarray
    vectors: np.ndarray

    def of(self, x: np.ndarray) -> np.ndarray:
        """Rows in these components."""
        return (x - self.centre) / self.width @ self.vectors


def principal(labelled: np.ndarray, fresh: np.ndarray) -> Axes:
    """Principal components of both, as the advisor takes them in."""
    every = np.concatenate([labelled, fresh])
    centre, width = every.mean(axis=0), every.std(axis=0)
    every = (every - centre) / width
    return Axes(centre, width, np.linalg.eigh(every.T @ every / len(every))[1][:, ::-1])


class Population:
    """Squared errors over all rows of a set, from its second moments: thousands of fits are measured on it in no time."""

    def __init__(self, data: Real):
        # centred, as squares of large numbers would leave few digits
        self._centre, self._middle = data.x.mean(axis=0), float(data.y.mean())
        every = np.column_stack([data.x - self._centre, data.y - self._middle])
        self._moments = every.T @ every / len(every)

    def error(self, coefficients: np.ndarray, axes: Axes, kept: np.ndarray) -> float:
        """Mean squared error of what was fitted in some components of the columns that were kept."""
        slopes = axes.vectors[:, : len(coefficients) - 1] @ coefficients[1:] / axes.width
        shift = coefficients[0] + (self._centre[kept] - axes.centre) @ slopes - self._middle
        weights = np.append(slopes, -1.0)
        chosen = np.append(kept, len(self._moments) - 1)
        return float(weights @ self._moments[np.ix_(chosen, chosen)] @ weights) + float(shift) ** 2


def run(data: Real, *, seeds: int, fits: int) -> Draws:
    """Ask the advisor on some draws, and fit on these and on more, so that the mean gain is known better than a draw can tell."""
    found, scale, population = Draws(data=data), float(data.y.var()), Population(data)
    for seed in range(fits):
        x, y, fresh, kept = draw_of(data, seed)
        sample = read_sample(x, y, unlabelled=fresh)
        sizes, p = _sizes(sample), sample.student
        axes = principal(x, fresh)
        own, free = axes.of(x), axes.of(fresh)
        twin = population.error(least_squares(own[:, :p], y), axes, kept)
        observed = []
        for q in sizes:
            teacher = least_squares(own[:, :q], y)
            observed.append((twin - population.error(least_squares(free[:, :p], said(teacher, free)), axes, kept)) / scale)
        found.observed.append(np.array(observed))
        if seed >= seeds:
            continue
        advice = theory.advise(x, y, unlabelled=fresh)
        word, law = advice.objectives["compression"], advice.theorems["nested_ols"]
        found.verdicts.append(word.verdict)
        found.failed.append(tuple(text.partition(":")[0] for text in law.failed))
        found.named.append(int(np.abs(np.array(sizes) - (word.teacher or sizes[-1])).argmin()))
        # in variances of these labels; gains are in those of all
        gains = nested_gains(sample, sizes, m=len(fresh))
        found.predicted.append(np.array([one.gain for one in gains]) * float(y.var()) / scale)
        found.again.append(_once_more(sample, own, axes.of(data.x[:, kept]), y, data.y))
    return found


def _sizes(sample: Sample) -> tuple[int, ...]:
    """Three sizes: the next one, one between, and all columns; always as many, so that draws can be compared."""
    tried = teacher_sizes(sample, larger=True, most=3)
    return (*tried, *[tried[-1]] * (3 - len(tried)))


def _once_more(sample: Sample, own: np.ndarray, test: np.ndarray, y: np.ndarray, y_test: np.ndarray) -> float:
    """Tune a ridge by generalised cross-validation, distil it once with the estimated best weight, and compare."""
    found = ridge_gain(sample, None)
    x, labels = own - own.mean(axis=0), y - y.mean()
    left, roots, right = np.linalg.svd(x, full_matrices=False)
    shrink = roots / (roots**2 + found.ridge)
    s = roots * shrink
    losses = []
    for weight in (0.0, found.mixing):
        z = left.T @ labels
        coefficients = right.T @ (shrink * ((1 - weight) * z + weight * s * z))
        losses.append(float(np.mean((y_test - y.mean() - (test - own.mean(axis=0)) @ coefficients) ** 2)))
    return (losses[0] - losses[1]) / losses[0]


def share(hits: list[bool] | np.ndarray) -> str:
    """A share in per cent with its interval."""
    values = np.asarray(hits, dtype=float)
    if not len(values):
        return "none"
    found = wilson(float(values.mean()), len(values), quantile=1.96, units=len(values))
    return f"{100 * values.mean():.0f} % of {len(values)} (95 % interval {100 * found.low:.0f} to {100 * found.high:.0f} %)"


def table(found: list[Draws]) -> Table:
    """One row a set."""
    rows = []
    for one in found:
        best = int(one.mean.argmax())
        gain = interval(pd.Series([draw[best] for draw in one.observed]))
        counts = {word: one.verdicts.count(word) for word in dict.fromkeys(one.verdicts)}
        failed = pd.Series([name for names in one.failed for name in names], dtype=str).value_counts()
        rows.append(
            {
                "name": one.data.name, "aside": "yes" if one.data.name in SET_ASIDE else "", "rows": len(one.data.y),
                "columns": one.data.x.shape[1], "says": ", ".join(f"{count} {word}" for word, count in counts.items()),
                "right": f"{sum(one.right())} of {len(one.right())}" if one.right() else "not settled" if one.answers else "no answer",
                "gain": _triple(gain), "holds": round(100 * float(one.holds[one.spoken].mean())) if one.spoken.any() else None,
                "would": round(100 * float(one.holds.mean())), "failed": ", ".join(f"{name} ({count})" for name, count in failed.items()),
            }
        )  # fmt: skip
    columns = (
        Column(key="name", title="set"), Column(key="aside", title="set aside", explains="looked at by nobody before the first run"),
        Column(key="rows", title="rows", shown="number"), Column(key="columns", title="columns", shown="number"),
        Column(key="says", title="the advisor says, by draw", shown="prose"),
        Column(key="right", title="sign right", explains="of the draws with an answer, where the mean gain is told from 0"),
        Column(key="gain", title="largest gain found", shown="interval", explains="of three teacher sizes; label variances"),
        Column(key="holds", title="intervals hold, %", shown="number", explains="the mean gain, where the law applies"),
        Column(key="would", title="would hold, %", shown="number", explains="the same, had no assumption been checked"),
        Column(key="failed", title="what fails (draws)", shown="prose"),
    )  # fmt: skip
    draws = len(found[0].verdicts)
    return Table(columns=columns, rows=tuple(rows), caption=f"Advice on 300 labelled rows and 600 others, {draws} draws of each set")


def _triple(found: Interval) -> tuple[float, float, float] | None:
    return None if found.seeds < 2 else (found.value, found.low, found.high)


def sentences(found: list[Draws]) -> tuple[str, ...]:
    """Hit rates over all sets, and over those set aside."""
    told = []
    for title, chosen in (("All sets", found), ("Sets that were set aside", [one for one in found if one.data.name in SET_ASIDE])):
        if not chosen:
            continue
        spoken = [held for one in chosen for held in one.holds[one.spoken]]
        met = [held for one in chosen for held in one.meets[one.spoken]]
        applies = [bool(word) for one in chosen for word in one.spoken]
        right, answers = [word for one in chosen for word in one.right()], sum(one.answers for one in chosen)
        held = "no interval was given"
        if spoken:
            held = (
                f"{100 * float(np.mean(spoken)):.0f} % of its intervals hold the mean gain (80 % were to be reached), and "
                f"{100 * float(np.mean(met)):.0f} % meet that mean's own 95 % interval"
            )
        told.append(
            f"{title}: the law applies in {share(applies)} of the draws; there {held}. Of {answers} answers "
            f"{answers - len(right)} are on gains that are not told from 0; of the others the sign is right in {share(right)}. "
            "Intervals take draws of one set as independent, which share its rows: they are too narrow for other sets."
        )
    return tuple(told)
