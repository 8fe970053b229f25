"""The figures of `regression_theory.py`: agreement, phase maps, risk against ξ, sparsity by round, bias and variance."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from _theory_claims import STEP, kernel, ridge_risks

from kdprobe import theory
from kdprobe.core.section import Figure
from kdprobe.report.theme.agreement import Cells, agreement
from kdprobe.report.theme.bars import Bar, bars
from kdprobe.report.theme.phase import phase
from kdprobe.report.theme.plots import Panel, Series, panels

POINTS = 33
SHARES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0)


def agree(cells: Sequence[Cells], *, prefix: str, title: str, unit: str, logarithmic: bool = False) -> Figure:
    """Predicted against observed."""
    told = "; ".join(f"{one.label}: {int((one.apart <= 3).sum())} of {len(one.apart)} cells within 3 standard errors" for one in cells)
    svg = agreement(cells, unit=unit, prefix=prefix, title=title, description=told, logarithmic=logarithmic)
    return Figure(svg=svg, caption=f"{title}. {told}")


def objective_gain(name: str, noise: float, *, n: float, m: float) -> float:
    """Share of the twin's excess risk that one objective gains in the world of C18."""
    setting = {"n": n, "p": 5, "q": 20, "m": m}
    if name == "expansion":
        setting |= {"p": 12, "q": 5}
    elif name == "enhancement":
        setting |= {"q": 12, "teachers": 3}
    elif name == "adaptation":
        setting |= {"q": 12, "shift": np.full(5, 0.15)}
    found = theory.nested_ols(STEP, noise, **setting)  # pyright: ignore[reportArgumentType]
    return 1 - found.student / found.twin


OBJECTIVES = {
    "compression": "A larger teacher: 20 features, student 5",
    "expansion": "A smaller teacher: 5 features, student 12",
    "enhancement": "Three teachers of 12 features, student 5",
    "adaptation": "A teacher from elsewhere: 12 features, student 5",
}


def maps() -> tuple[Figure, ...]:
    """Noise against transfer rows, and against labelled rows, for the four objectives; the line is where nothing is gained."""
    found, noise = [], np.linspace(0.05, 8.0, POINTS)
    for name, title in OBJECTIVES.items():
        for rows, x in (("transfer", np.geomspace(15, 2000, POINTS)), ("labelled", np.geomspace(24, 400, POINTS))):
            counts = [(40.0, float(m)) if rows == "transfer" else (float(m), 400.0) for m in x]
            gains = np.array([[objective_gain(name, float(sigma2), n=n, m=m) for n, m in counts] for sigma2 in noise])
            svg = phase(
                x, noise, np.clip(gains, -1.5, 1.5), x_label=f"{rows} rows", y_label="label noise σ²",
                names=("helps", "hurts"), prefix=name[:2] + rows[0], title=f"{title}, by {rows} rows and noise",
                description=f"{name} helps on {100 * float((gains > 0).mean()):.0f} % of the map of noise and {rows} rows.",
            )  # fmt: skip
            beside = "40 labelled rows" if rows == "transfer" else "400 transfer rows"
            found.append(Figure(svg=svg, caption=f"{name.capitalize()}, {beside}. {title}"))
    return tuple(found)


def noise_curves(curves: Mapping[float, Sequence[tuple[float, float, float]]]) -> Figure:
    """C18: the gain by noise, in multiples of σ*²."""
    at = np.log2(np.array(SHARES))
    series = []
    for (m, values), role in zip(curves.items(), ("one", "two"), strict=True):
        mean, low, high = np.array(values).T
        label = "endless rows" if math.isinf(m) else f"{m:.0f} rows"
        series.append(Series(label=label, role=role, mean=mean, low=low, high=high))  # pyright: ignore[reportArgumentType]
    svg = panels(
        [Panel(title="gain, share of the twin's excess risk", series=tuple(series), zero="no gain")], x=at,
        ticks=[f"{share:g}" for share in SHARES], x_label="label noise, in multiples of σ*²", prefix="nc",
        title="Gain by label noise", height=190,
        description="; ".join(f"{one.label}: {one.mean[-1]:.2f} at the most noise" for one in series),
    )  # fmt: skip
    return Figure(svg=svg, caption="C18: a teacher of 20 features and a student of 5 on 40 labels; helps below σ*², hurts above")


def risk_by_weight(*, draws: int) -> Figure:
    """T5: the risk of a kernel ridge's student by the weight of its teacher, at three ridges, fitted and in closed form."""
    gram, mean = kernel()
    values, vectors = np.linalg.eigh(gram)
    d, b = np.maximum(values, 0.0), (vectors.T @ mean) ** 2
    rng, noise, stack = np.random.default_rng(5), 0.5, []
    y = mean[:, None] + math.sqrt(noise) * rng.normal(size=(len(mean), draws))
    weights = np.linspace(-2, 3, 11)
    told = []
    for ridge in (0.03, 0.3, 3.0):
        known = theory.ridge_self_distillation(d, b, noise, ridge)
        found = ridge_risks(gram, mean, y, ridge, tuple(weights))
        error = 1.96 * found.std(axis=1, ddof=1) / math.sqrt(draws)
        s = d / (d + ridge)
        shrink = s - weights[:, None] * s * (1 - s)
        exact = ((1 - shrink) ** 2 @ b + noise * (shrink**2).sum(axis=1)) / len(mean)
        fit, nowhere = found.mean(axis=1), np.full(len(weights), np.nan)
        drawn = (
            Series(label="fitted", role="one", mean=fit, low=fit - error, high=fit + error),
            Series(label="closed form", role="two", mean=exact, low=nowhere, high=nowhere),
        )
        stack.append(Panel(title=f"λ = {ridge:g}, ξ* = {known.mixing:.2f}: risk", series=drawn))
        told.append(f"λ = {ridge:g}: ξ* = {known.mixing:.2f}, risk {known.ridge / len(mean):.3f} to {known.distilled / len(mean):.3f}")
    svg = panels(
        stack, x=weights, ticks=[f"{w:.1f}".replace("-", "−") for w in weights], x_label="ξ, the teacher's weight", prefix="xi",
        title="Risk of one round of self-distillation by its weight", description="; ".join(told), height=120,
    )  # fmt: skip
    return Figure(svg=svg, caption="T5: the risk is a parabola in ξ, lowest at ξ*. " + "; ".join(told))


def sparsity() -> Figure:
    """T3: how sparse the basis is after each round, at several tolerances."""
    gram, mean = kernel(40)
    gram = gram + 1e-3 * np.eye(40)
    y = mean + 0.3 * np.random.default_rng(3).normal(size=40)
    series, told, most = [], [], 1
    for tolerance, role in ((0.05, "one"), (0.1, "two"), (0.2, "three")):
        found = theory.mobahi_rounds(gram, y, tolerance, most=12)
        most = max(most, len(found.sparsity))
        values, rounds = np.log10(found.sparsity), np.arange(1.0, len(found.sparsity) + 1)
        nowhere = np.full(len(values), np.nan)
        series.append(Series(label=f"ε = {tolerance:g}", role=role, mean=values, low=nowhere, high=nowhere, x=rounds))  # pyright: ignore[reportArgumentType]
        told.append(f"ε = {tolerance:g}: {len(values)} rounds" + (" before the collapse" if found.collapsed else ""))
    x = np.arange(1.0, most + 1)
    svg = panels(
        [Panel(title="log10 of min B_k / B_k+1", series=tuple(series))], x=x, ticks=[f"{one:.0f}" for one in x], x_label="round",
        prefix="sp", title="Sparsity of the basis by round", description="; ".join(told), height=170,
    )  # fmt: skip
    return Figure(svg=svg, caption="T3: each round makes the basis sparser, until nothing is left. " + "; ".join(told))


def bias_and_variance() -> Figure:
    """T7: squared error of an estimated risk by what stands for the labels, split into what rows remove and what they do not."""
    rng = np.random.default_rng(7)
    error = 0.5 * rng.normal(size=200)
    lines, told = [], []
    for noise in (0.1, 1.0):
        lines.append(Bar(label=f"σ² = {noise:g}"))
        for size, name in ((0.0, "Bayes targets"), (0.2, "bias .2"), (0.5, "bias .5")):
            found = theory.regression_risk_estimates(error, np.full(200, size), noise, rows=50)
            total = found.teacher
            lines.append(Bar(label=name, parts=(total - found.bias**2, found.bias**2), beside=(total, total, total)))
            told.append(f"σ² {noise:g}, {name}: {found.teacher:.4f}")
        plain = theory.regression_risk_estimates(error, np.zeros(200), noise, rows=50)
        lines.append(Bar(label="labels", parts=(plain.labels, 0.0), beside=(plain.labels,) * 3))
        told.append(f"σ² {noise:g}, labels: {plain.labels:.4f}")
    svg = bars(
        lines, parts=(("variance / N", "one"), ("bias²", "two")), titles=("squared error", "in all"), prefix="bv",
        title="What soft targets save, and what a biased teacher costs", description="; ".join(told),
    )  # fmt: skip
    return Figure(svg=svg, caption="T7: squared error of a risk on 50 rows, by what stands for the labels. Rows remove variance, not bias")
