"""Sweeps with known truth: gains over teacher sizes, with the teachers' own losses, to measure how often verdicts are wrong.

But for the law, noise is such that the difference of two sizes has a standard deviation of 1 over seeds: effects are in these.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kdprobe.theory.nested_ols import nested_ols, simulate_nested_ols

SIZES = 9
ROOT = np.sqrt(0.5)
MARGIN = 0.2
"""A fifth of the twins' seed sd, where that is as large as a paired difference's."""
BETTER = np.linspace(3.0, 0.0, SIZES)
"""Own losses of teachers of which each is better than the one before."""
POSITIONS = np.arange(SIZES, dtype=np.float64)


class Sweeps(NamedTuple):
    """Sweeps of one world."""

    gain: np.ndarray
    """(sweeps, seeds, sizes)."""
    teacher_loss: np.ndarray
    """(sweeps, seeds, sizes)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GapWorld:
    """One world.

    Parameters
    ----------
    gains, losses
        (sizes,) true mean gains of the student, and true own losses of its teachers.
    draw
        (rng, sweeps, seeds) -> Sweeps.
    margin
        Deficit that is negligible.
    humps
        How many the true curve has.
    whole
        Whether no run is missing.
    peak
        Where the true curve is largest, on the scale of the positions 0, 1, ... of the sizes; None where that is not between them.
    """

    name: str
    title: str
    gains: np.ndarray
    losses: np.ndarray
    draw: Callable[[np.random.Generator, int, int], Sweeps]
    margin: float = MARGIN
    humps: int = 1
    peak: float | None = None
    whole: bool = True

    @property
    def deficit(self) -> float:
        """How far the largest teacher is truly behind the best smaller one."""
        return float(self.gains[:-1].max() - self.gains[-1])

    @property
    def edge(self) -> float:
        """How much better a model the largest teacher truly is than the best-for-student smaller one; for ties, than the best of these."""
        rivals = np.isclose(self.gains[:-1], self.gains[:-1].max(), atol=1e-9)
        return float(self.losses[:-1][rivals].min() - self.losses[-1])

    @property
    def gap(self) -> bool:
        """Whether there is a capacity gap: a smaller teacher serves better, and the largest is the better model."""
        return self.deficit > 1e-9 and self.edge > 1e-9

    @property
    def best(self) -> np.ndarray:
        """(sizes,) which sizes are truly best."""
        return np.isclose(self.gains, self.gains.max(), atol=1e-9)


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return ROOT * rng.normal(size=shape)


def _heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return ROOT * rng.standard_t(3, size=shape) / np.sqrt(3)


def _skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return ROOT * (rng.exponential(size=shape) - 1)


def _only_largest_skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A rare seed gains much under the largest teacher alone."""
    noise = 0.2 * rng.normal(size=shape)
    noise[..., -1] = rng.exponential(size=shape[:-1]) - 1
    return noise


def world(
    name: str,
    title: str,
    gains: np.ndarray,
    losses: np.ndarray = BETTER,
    *,
    noise: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray] = _normal,
    humps: int = 1,
    peak: float | None = None,
) -> GapWorld:
    """Make a world of true curves and noise. All sizes of a seed share an effect as large as the noise, which pairing removes."""
    gains, losses = np.asarray(gains, dtype=np.float64), np.asarray(losses, dtype=np.float64)

    def draw(rng: np.random.Generator, sweeps: int, seeds: int) -> Sweeps:
        shape = (sweeps, seeds, len(gains))
        return Sweeps(gains + rng.normal(size=(sweeps, seeds, 1)) + noise(rng, shape), losses + 0.3 * rng.normal(size=shape))

    return GapWorld(name=name, title=title, gains=gains, losses=losses, draw=draw, humps=humps, peak=peak)


def law_world(name: str, title: str, *, m: float, sizes: tuple[int, ...], n: int = 80, p: int = 4) -> GapWorld:
    """Nested least squares with β_j = j^-.75 of 60 features and noise of variance .25; a seed has rows of its own."""
    beta, noise = np.arange(1, 61) ** -0.75, 0.25
    laws = [nested_ols(beta, noise, n=n, p=p, q=q, m=m) for q in sizes]

    def draw(rng: np.random.Generator, sweeps: int, seeds: int) -> Sweeps:
        found = simulate_nested_ols(beta, noise, n=n, p=p, q=sizes, m=m, seeds=sweeps * seeds, rng=rng)
        shape = (sweeps, seeds, len(sizes))
        return Sweeps((found.twin[:, None] - found.student).reshape(shape), found.teacher.reshape(shape))

    twins = simulate_nested_ols(beta, noise, n=n, p=p, q=sizes[:1], m=m, seeds=2000, rng=np.random.default_rng(0)).twin
    return GapWorld(
        name=name,
        title=title,
        gains=np.array([law.twin - law.student for law in laws]),
        losses=np.array([law.teacher for law in laws]),
        draw=draw,
        margin=MARGIN * float(twins.std(ddof=1)),
    )


def with_holes(of: GapWorld, *, share: float = 0.05, largest: float = 0.2) -> GapWorld:
    """Make a world of which runs are missing at random: a share of all, and a larger one of those of the largest teacher."""

    def draw(rng: np.random.Generator, sweeps: int, seeds: int) -> Sweeps:
        found = of.draw(rng, sweeps, seeds)
        missing = rng.random(found.gain.shape) < np.where(np.arange(found.gain.shape[2]) == found.gain.shape[2] - 1, largest, share)
        return Sweeps(*(np.where(missing, np.nan, values) for values in found))

    title = f"{of.title}; {100 * share:.0f} % of the runs are missing, {100 * largest:.0f} % of the largest teacher's"
    return replace(of, name=f"{of.name}, holes", title=title, draw=draw, whole=False)


FLAT = np.zeros(SIZES)
HUMP = -((POSITIONS - 3) ** 2) / 25
"""Largest at the fourth size; the last one is 1 behind it."""
STEEP = -0.075 * (POSITIONS - 3) ** 2
"""Largest at the fourth size; the last one is 1.9 behind it."""
ONE_SIZE = (POSITIONS == 3).astype(np.float64)
CLIFF = np.where(POSITIONS == 3, MARGIN, np.where(POSITIONS == 8, 0.0, -3.0))
"""One smaller size is ahead by the margin, and all others are far behind: the equivalence test has its full level here."""
TWO_HUMPS = np.array([0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0, 0.5, 0.0])
TWO_UNEQUAL_HUMPS = np.array([0.0, 0.75, 1.5, 0.75, 0.0, 0.5, 1.0, 0.5, 0.0])
LAW_SIZES = (4, 6, 9, 12, 16, 20, 26, 32, 40)

WORLDS: dict[str, GapWorld] = {
    made.name: made
    for made in (
        world("flat", "flat, normal", FLAT),
        world("flat heavy", "flat, heavy tails (t, 3 df)", FLAT, noise=_heavy),
        world("flat skewed", "flat, every size skewed (exponential)", FLAT, noise=_skewed),
        world("flat one skewed", "flat, only the largest skewed: a rare seed gains much", FLAT, noise=_only_largest_skewed),
        world("rising", "rising evenly to the largest", POSITIONS / 8),
        world("largest best", "the largest ahead by 1 sd", (POSITIONS == 8).astype(np.float64)),
        law_world(
            "law without gap", "the law, endless transfer rows, teachers up to the best", m=np.inf, sizes=(4, 6, 8, 10, 12, 14, 17, 21, 26)
        ),
        world("equal", "one hump of 1 sd, all teachers equally good", HUMP, FLAT),
        world("degraded", "one hump of 1 sd, the largest teacher worse", HUMP, 1.0 * (POSITIONS == 8)),
        world("at the margin", "best smaller size ahead by the margin", MARGIN * ONE_SIZE),
        world("cliff", "one smaller size ahead by the margin, the others far behind", CLIFF),
        world("hump", "one hump of 1 sd", HUMP, peak=3.0),
        world("steep", "one hump of 1.9 sd", STEEP, peak=3.0),
        world("one size", "one size ahead by 1 sd", ONE_SIZE, peak=3.0),
        world("falling", "falling by 1 sd from the smallest size", -POSITIONS / 8),
        world("two humps", "two equal humps of 1 sd", TWO_HUMPS, humps=2),
        world("two unequal humps", "humps of 1.5 and 1 sd", TWO_UNEQUAL_HUMPS, humps=2),
        law_world("law", "the law, 160 transfer rows, teachers to 40 features", m=160, sizes=LAW_SIZES),
        law_world("law far", "the law, 160 transfer rows, teachers to 58 features", m=160, sizes=(*LAW_SIZES[:-1], 58)),
    )
}
WORLDS |= {made.name: made for made in map(with_holes, (WORLDS["flat"], WORLDS["cliff"], WORLDS["hump"], WORLDS["largest best"]))}


def pilot_worlds() -> list[GapWorld]:
    """More than fifty worlds of 1 and 2 sd, with the best size anywhere: humps, spikes, slopes, and second humps."""
    curves: dict[str, np.ndarray] = {"rising": POSITIONS / 8, "falling": -POSITIONS / 8}
    curves |= {"rising and level": 1 - np.exp(-POSITIONS / 2), "falling and level": np.exp(-POSITIONS / 2)}
    for peak in range(SIZES):
        curves[f"hump at {peak}"] = -(((POSITIONS - peak) / max(peak, 8 - peak)) ** 2)
    for peak in (0, 2, 4, 6, 8):
        curves[f"spike at {peak}"] = np.maximum(0.0, 1 - np.abs(POSITIONS - peak) / 2)
    for peak in (2, 4, 6):
        curves[f"tent at {peak}"] = -np.where(peak > POSITIONS, (peak - POSITIONS) / peak, (POSITIONS - peak) / (8 - peak))
    for first, second in ((1, 6), (2, 7), (3, 7), (6, 2)):
        bells = [np.exp(-0.5 * ((POSITIONS - peak) / 0.9) ** 2) for peak in (first, second)]
        curves[f"humps at {first} and {second}"] = bells[0] + 0.6 * bells[1]
    return [
        world(f"{name}, {height:g} sd", f"{name}, {height:g} sd", height * curve / np.ptp(curve))
        for height in (1.0, 2.0)
        for name, curve in curves.items()
    ]
