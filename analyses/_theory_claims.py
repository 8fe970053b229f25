"""C1, C4, C11, C12 and C18: what regression theory claims, each decided by fits that know nothing of its algebra."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _ratio_claims import Claim
from _theory_real import Draws, least_squares, said, share
from paired import interval

from kdprobe import theory
from kdprobe.report.theme.agreement import Cells

SEEDS = 20
"""Of every claim that is decided on trained or fitted students; what is decided on a law has thousands of draws."""
NOTHING = 0.01
"""Share of a squared error below which a gain is called none."""
STEP = np.sqrt(np.array([1.0] * 5 + [0.2] * 15))
KNOWN_NOISE = 3.8
"""σ*² of C18's world for endless rows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """One claim and the cells that were compared for it."""

    claim: Claim
    cells: tuple[Cells, ...] = ()


# ---- C1


def law(*, cells: int, draws: int) -> Found:
    """C1 on a grid over the four objectives, worlds drawn before anything was run."""
    rng = np.random.default_rng(17)
    kinds = {name: ([], [], []) for name in ("compression", "expansion", "enhancement", "adaptation")}
    for place in range(cells):
        name, world = list(kinds)[place % 4], _world(list(kinds)[place % 4], rng)
        expected = theory.nested_ols(**world).student
        sizes = {key: value for key, value in world.items() if key != "q"}
        found = theory.simulate_nested_ols(**sizes, q=(world["q"],), seeds=draws, rng=rng).student[:, 0]
        for values, one in zip(kinds[name], (expected, found.mean(), found.std(ddof=1) / math.sqrt(draws)), strict=True):
            values.append(float(one))
    roles: dict[str, Any] = dict(zip(kinds, ("one", "two", "three", "four"), strict=True))
    drawn = tuple(
        Cells(label=name, role=roles[name], predicted=np.array(values[0]), observed=np.array(values[1]), error=np.array(values[2]))
        for name, values in kinds.items()
    )
    apart = np.concatenate([one.apart for one in drawn])
    precise = max(float((one.error / one.predicted).max()) for one in drawn)
    inside = apart <= 3
    claim = Claim(
        name="C1", says="the nested least-squares law holds, for all four objectives", expected="within 3 standard errors in 95 % of cells",
        verdict="SUPPORTED" if inside.mean() >= 0.95 else "CONTRADICTED",
        found=f"within 3 standard errors in {share(inside)}; the largest distance is {apart.max():.1f} of them, which are at most "
        f"{100 * precise:.1f} % of the prediction.",
    )  # fmt: skip
    return Found(claim=claim, cells=drawn)


def _world(name: str, rng: np.random.Generator) -> dict[str, Any]:
    beta = np.arange(1, 41) ** -float(rng.choice([0.3, 0.75, 1.2]))
    n, p = int(rng.choice([60, 80, 160])), int(rng.integers(4, 10))
    world: dict[str, Any] = {"beta": beta, "noise": float(rng.choice([0.05, 0.25, 1.0])), "n": n, "p": p, "q": int(rng.integers(p, 36))}
    world["m"] = float(rng.choice([40, 160, math.inf]))
    if name == "expansion":
        world["q"] = int(rng.integers(2, p))
    elif name == "enhancement":
        world["teachers"] = int(rng.integers(2, 6))
    elif name == "adaptation":
        world["shift"] = 0.2 * rng.normal(size=10)
    return world


# ---- C4


def same_inputs(*, seeds: int) -> Found:
    """C4: nested least squares on one set of inputs, fitted outright."""
    beta = np.arange(1, 41) ** -0.75
    moved, own, likeness = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng([4, seed])
        x, test = rng.normal(size=(80, 40)), rng.normal(size=(4000, 40))
        y = x @ beta + 0.5 * rng.normal(size=80)
        teacher, twin = least_squares(x[:, :14], y), least_squares(x[:, :4], y)
        told, untaught = said(teacher, test), said(twin, test)
        for alpha in (0.25, 0.5, 1.0):
            mixed = theory.relabelled(y, said(teacher, x), alpha).targets
            student = said(least_squares(x[:, :4], mixed), test)
            moved.append(float(np.abs(student - untaught).max()))
        likeness.append(_r2(told, student))
        own.append(_r2(told, untaught))
    found, beside = interval(pd.Series(likeness)), interval(pd.Series(own))
    most = max(moved)
    claim = Claim(
        name="C4", says="on shared inputs nested least squares transfers nothing, though agreement is high", expected="exactly nothing",
        verdict="SUPPORTED" if most < 1e-9 and found.low > 0.5 else "CONTRADICTED" if most >= 1e-9 else "INCONCLUSIVE",
        found=f"{seeds} seeds, α .25, .5 and 1: no prediction of a student is more than {most:.0e} from its twin's. Student and teacher "
        f"agree by an R² of {found.value:.3f} [{found.low:.3f}, {found.high:.3f}], and so does the twin, which never saw the teacher "
        f"({beside.value:.3f}).",
    )  # fmt: skip
    return Found(claim=claim)


def _r2(reference: np.ndarray, other: np.ndarray) -> float:
    return float(1 - np.sum((reference - other) ** 2) / np.sum((reference - reference.mean()) ** 2))


# ---- C11


def kernel(rows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Gram matrix of a Gaussian kernel on points in three dimensions, and a smooth mean of variance 1 on them."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(rows, 3))
    mean = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2]
    return np.exp(-0.5 * ((x[:, None] - x) ** 2).sum(axis=-1)), (mean - mean.mean()) / mean.std()


def ridge_risks(gram: np.ndarray, mean: np.ndarray, y: np.ndarray, ridge: float, weights: Sequence[float]) -> np.ndarray:
    """(weights, draws) squared error of the fitted mean, a row: kernel ridge once more on labels of which the teacher has a weight."""
    solve = np.linalg.solve(gram + ridge * np.eye(len(mean)), gram).T
    teacher = solve @ y
    return np.stack([((solve @ ((1 - w) * y + w * teacher) - mean[:, None]) ** 2).mean(axis=0) for w in weights])


def sign_rule(*, draws: int, ridges: int) -> Found:
    """C11 on kernel ridge: the slope of the risk in ξ at 0 against its slope in λ, both by fitting, and T5's risks beside them."""
    gram, mean = kernel()
    values, vectors = np.linalg.eigh(gram)
    d, b = np.maximum(values, 0.0), (vectors.T @ mean) ** 2
    rng, agree, told = np.random.default_rng(12), [], 0
    cells: tuple[list[float], list[float], list[float]] = ([], [], [])
    for noise in (0.1, 0.5, 2.0):
        y = mean[:, None] + math.sqrt(noise) * rng.normal(size=(len(mean), draws))
        for ridge in np.geomspace(0.003, 30, ridges):
            near = ridge_risks(gram, mean, y, ridge, (-0.05, 0.0, 0.05))
            less, more = (ridge_risks(gram, mean, y, ridge * factor, (0.0,))[0] for factor in (0.95, 1.05))
            slopes = [interval(pd.Series(change)) for change in (near[2] - near[0], more - less)]
            expected = theory.ridge_self_distillation(d, b, noise, float(ridge))
            student = ridge_risks(gram, mean, y, ridge, (expected.mixing,))[0]
            for predicted, found in ((expected.ridge, near[1]), (expected.distilled, student)):
                for column, one in zip(cells, (predicted / len(mean), found.mean(), found.std(ddof=1) / math.sqrt(draws)), strict=True):
                    column.append(float(one))
            if all(one.word != "not told apart" for one in slopes):
                told += 1
                # a better student for more weight, where a larger ridge is better: both slopes have one sign
                agree.append(slopes[0].word == slopes[1].word)
    predicted, observed, error = map(np.array, cells)
    drawn = Cells(label="kernel ridge and its student", role="one", predicted=predicted, observed=observed, error=error)
    verdict = "INCONCLUSIVE" if told < 8 else "SUPPORTED" if np.mean(agree) >= 0.95 else "CONTRADICTED"
    claim = Claim(
        name="C11", says="one round of ridge self-distillation helps where λ is too small, and hurts where it is too large",
        expected="in every cell whose signs are known", verdict=verdict,
        found=f"kernel ridge, 3 noises × {ridges} values of λ, {draws} sets of labels: the two slopes have the sign that the rule says in "
        f"{share(agree)} of the cells where both are told from 0. T5's risks are within 3 standard errors in {share(drawn.apart <= 3)}.",
    )  # fmt: skip
    return Found(claim=claim, cells=(drawn,))


# ---- C12


def nothing_to_add(real: Sequence[Draws]) -> Found:
    """C12: the best free rounds over the best ridge, exactly; and one estimated round over a tuned ridge, on real rows."""
    d = 24 * np.arange(1, 13) ** -1.0
    worlds = {
        "of coefficients alike in all directions": 3 * d,
        "alike in all directions itself": np.full(12, 3.0),
        "on the top direction alone": np.eye(12)[0] * 40,
    }
    gains = {name: _over_best(d, signal) for name, signal in worlds.items()}
    found = {one.data.name: interval(pd.Series(one.again)) for one in real}
    none = [name for name, one in found.items() if one.high < NOTHING]
    better = [name for name, one in found.items() if one.low > NOTHING]
    spread = next(iter(gains.values()))
    return Found(
        claim=Claim(
            name="C12", says="self-distillation adds nothing to a tuned ridge where the coefficients are spread", expected="nothing",
            verdict="CONTRADICTED" if better or spread > NOTHING else "SUPPORTED" if len(none) == len(found) else "INCONCLUSIVE",
            found="exactly, four rounds with the best weights against the best ridge: "
            + "; ".join(f"signal {name}, {abs(100 * gain):.1f} % less risk" for name, gain in gains.items())
            + f" (the claim is of the first). On real rows one round at its estimated weight takes less than {100 * NOTHING:g} % off "
            f"the squared error of a tuned ridge (95 % limit) on {len(none)} of {len(found)} sets"
            + (f", and more on {', '.join(better)}." if better else "."),
        )
    )  # fmt: skip


def _over_best(d: np.ndarray, signal: np.ndarray) -> float:
    """Share of the risk of the best ridge that four rounds take off, at the ridge where they take off most."""
    found = [theory.pareek_rounds(d, signal, 1.0, ridge=float(ridge), rounds=4) for ridge in np.geomspace(0.05, 50, 15)]
    return float(max(1 - one.risks[-1] / one.best_ridge for one in found))


# ---- C18


def noisy_teacher(*, draws: int) -> tuple[Found, dict[float, list[tuple[float, float, float]]]]:
    """C18, with the gain of a share of the twin's excess at multiples of σ*², by m."""
    rng, curves = np.random.default_rng(18), {}
    right, at = [], []
    for m in (200.0, math.inf):
        threshold = theory.noise_threshold(STEP, n=40, p=5, q=20, m=m).noise
        assert threshold is not None, "this world has one"
        at.append(threshold)
        curves[m] = []
        for times in (0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0):
            found = theory.simulate_nested_ols(STEP, times * threshold, n=40, p=5, q=(20,), m=m, seeds=draws, rng=rng)
            gain = interval(pd.Series((found.twin - found.student[:, 0]) / found.twin.mean()))
            curves[m].append((gain.value, gain.low, gain.high))
            if times != 1.0:
                right.append(gain.word == ("better" if times < 1 else "worse"))
    claim = Claim(
        name="C18", says="distilling from a noisier teacher hurts regression past σ*²", expected="helps below, hurts above",
        verdict="SUPPORTED" if all(right) else "INCONCLUSIVE",
        found=f"σ*² is {at[0]:.3f} for 200 rows and {at[1]:.3f} for endless ones; of {len(right)} noises below and above it {sum(right)} "
        f"show the sign that the law says (95 % intervals over {draws:,} draws).",
    )  # fmt: skip
    return Found(claim=claim), curves
