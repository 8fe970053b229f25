"""What `optimal_ratio.py` claims, and how each claim is decided: intervals over paired seeds, everything selected reselected."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _ratio_studies import ALPHA, FEATURES_ROWS, LAW_GRID, SOFT, TEMPERATURE, best_ratio, spectrum

from kdprobe import theory
from kdprobe.core.result import Measurement, Refusal
from kdprobe.report import words
from kdprobe.stats.bootstrap import bootstrap
from kdprobe.stats.intervals import wilson
from kdprobe.stats.multiplicity import holm
from kdprobe.stats.sign_flip import max_t
from kdprobe.stats.unimodal import modality

Tables = Mapping[str, Mapping[str, pd.DataFrame]]
SHARE = 0.2
"""A change by less than this share of what it changes is called negligible."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim with its outcome."""

    name: str
    says: str
    expected: str
    verdict: str
    found: str


def pick(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """Rows with the given values; None asks for a missing one."""
    for name, value in values.items():
        table = table[table[name].isna() if value is None else table[name] == value]
    return table


def grid(table: pd.DataFrame, value: str = "gain") -> np.ndarray:
    """(seeds, teacher sizes), ascending."""
    return table.pivot(index="seed", columns="teacher_size", values=value).to_numpy(dtype=float)


def deficit(gain: np.ndarray) -> np.ndarray:
    """How far the largest size is behind the best smaller one, of mean curves (..., sizes)."""
    return gain[..., :-1].max(axis=-1) - gain[..., -1]


def over_seeds(parts: Sequence[np.ndarray], function: Any) -> Measurement:
    """A function of the mean curves of several paired grids, with its bootstrap interval over seeds; what it selects is reselected."""
    cuts = np.cumsum([part.shape[1] for part in parts])[:-1]
    found = bootstrap(np.concatenate(parts, axis=1), lambda means: function(*np.split(means, cuts, axis=-1)))
    if isinstance(found, Refusal):
        raise SystemExit(f"{found.reason}: {found.advice}")
    return Measurement(value=found.value, low=found.low, high=found.high, n=found.n, estimand="this recipe")


def shown(found: Measurement, unit: str = "") -> str:
    """A measurement in words."""
    return words.interval(found.value, found.low, found.high, unit)


def shrinks(before: np.ndarray, after: np.ndarray) -> tuple[str, Measurement, Measurement]:
    """Whether a deficit shrinks by a change: the verdict, the change, and what is left."""
    change = over_seeds([before, after], lambda first, second: deficit(first) - deficit(second))
    left = over_seeds([after], deficit)
    whole = deficit(before.mean(axis=0))
    verdict = "SUPPORTED" if change.low > 0 else "CONTRADICTED" if change.high < SHARE * whole else "INCONCLUSIVE"
    return verdict, change, left


def both(first: str, second: str) -> str:
    """One verdict of two metrics that must agree."""
    return first if first == second else "INCONCLUSIVE"


# ---- the law


def law_holds(*, seeds: int, cells: int) -> tuple[Claim, list[tuple[float, float, float]]]:
    """C1, with (predicted, observed, standard error) of each cell."""
    rng, found = np.random.default_rng(0), []
    chosen = np.linspace(0, len(LAW_GRID) - 1, cells).round().astype(int)
    for place in chosen:
        cell = dict(LAW_GRID[place])
        beta, size = spectrum(cell.pop("decay")), int(rng.integers(cell["p"], 40))
        law = theory.nested_ols(beta, cell["noise"], n=cell["n"], p=cell["p"], q=size, m=cell["m"])
        draws = theory.simulate_nested_ols(
            beta, cell["noise"], n=cell["n"], p=cell["p"], q=(size,), m=cell["m"], seeds=seeds, rng=rng
        ).student[:, 0]
        found.append((law.student, float(draws.mean()), float(draws.std(ddof=1) / math.sqrt(seeds))))
    errors = np.array([abs(observed - predicted) / error for predicted, observed, error in found])
    precise = max(error / predicted for predicted, _, error in found)
    inside = int((errors <= 3).sum())
    share = wilson(inside / cells, cells, quantile=1.96, units=cells)
    says = (
        f"{inside} of {cells} cells within 3 standard errors ({shown_share(share)}); largest |observed − predicted| {errors.max():.1f} of "
        f"them; standard errors up to {100 * precise:.1f} % of the prediction."
    )
    verdict = "SUPPORTED" if inside >= 0.95 * cells else "CONTRADICTED"
    return Claim(
        name="C1",
        says="the nested least-squares law holds",
        expected="within 3 standard errors in 95 % of cells",
        verdict=verdict,
        found=says,
    ), found


def shown_share(share: Any) -> str:
    """An interval of a share in per cent."""
    return f"95 % interval of the share {100 * share.low:.0f} to {100 * share.high:.0f} %"


# ---- trained


def fewer_rows(tables: Tables) -> Claim:
    """C2."""
    table = tables["letters, fresh rows"]
    few, many = (float(f(table["nll"]["unlabelled_rows"])) for f in (min, max))
    parts, verdicts = [], []
    for t in (TEMPERATURE, SOFT):
        for metric, name in (("nll_calibrated", "calibrated NLL"), ("nll", "NLL")):
            before, after = (grid(pick(table[metric], unlabelled_rows=rows, temperature=t)) for rows in (few, many))
            verdict, change, left = shrinks(before, after)
            if t == TEMPERATURE:
                verdicts.append(verdict)
            parts.append(f"T={t:g}, {name}: the largest teacher costs {shown(change, 'nats')} less, {shown(left)} are left")
    bike = tables["bikeshare"]["mse"]
    rows = sorted(bike["unlabelled_rows"].dropna().unique())
    verdict, change, left = shrinks(*(grid(pick(bike, unlabelled_rows=m)) for m in (rows[0], rows[-1])))
    parts.append(
        f"bikeshare, {rows[0]:.0f} to {rows[-1]:.0f} rows: {shown(change, 'target variances')} less, {shown(left)} left ({verdict.lower()})"
    )
    return Claim(
        name="C2", says="the gap shrinks as unlabelled rows grow", expected="yes", verdict=both(*verdicts),
        found=f"letters, {few:.0f} to {many:.0f} rows. " + "; ".join(parts) + ".",
    )  # fmt: skip


def best_everywhere(tables: Tables) -> tuple[int, list[float], float]:
    """Settings on letters, ratios that are best by the mean in one of them, and p of the hypothesis that one size is best in all."""
    chosen = (tables["letters, own rows"]["nll"], tables["letters, fresh rows"]["nll"], tables["letters, decay"]["nll"])
    by = ["unlabelled_rows", "alpha", "temperature", "teacher_weight_decay"]
    found = [grid(own) for table in chosen for _, own in table.groupby(by, dropna=False)]
    sizes = np.sort(chosen[0]["teacher_size"].unique()).astype(float) / float(chosen[0]["student_size"].iloc[0])
    against = np.empty((len(found), len(sizes)))
    for i, gain in enumerate(found):
        for size in range(len(sizes)):
            # small where another size is shown to serve better than this one
            against[i, size] = max_t(np.delete(gain, size, axis=1) - gain[:, [size]]).p.min()
    # a size that is best everywhere is rejected by chance only: Bonferroni over settings; and every size must be rejected
    p = float(np.minimum(against.min(axis=0) * len(found), 1.0).max())
    return len(found), sorted({float(sizes[int(gain.mean(axis=0).argmax())]) for gain in found}), p


def universal(tables: Tables) -> Claim:
    """C3."""
    settings, best, p = best_everywhere(tables)
    law = sorted(best_ratio(cell) for cell in LAW_GRID)
    return Claim(
        name="C3", says="one ratio of sizes is best everywhere", expected="no", verdict="CONTRADICTED" if p < 0.05 else "INCONCLUSIVE",
        found=f"letters, {settings} settings: the best mean lies at {words.listed([f'{ratio:.1f}' for ratio in best])} times the "
        f"student's size; the hypothesis that one of the sizes is best in all settings has p {words.p_value(p)}. In the law the best ratio "
        f"runs from {law[0]:.1f} to {law[-1]:.1f} over {len(LAW_GRID)} settings, exactly.",
    )  # fmt: skip


def over_confidence(tables: Tables) -> Claim:
    """C10: at T above 1, and at T=1, each by itself."""
    table, parts, words_of = tables["letters, own rows"], [], []

    def parts_of(raw: np.ndarray, tempered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rival = raw[..., :-1].argmax(axis=-1)[..., None]
        whole, rest = (np.take_along_axis(curve, rival, -1)[..., 0] - curve[..., -1] for curve in (raw, tempered))
        return whole, rest

    soft = [grid(pick(table[name], alpha=ALPHA, temperature=SOFT)) for name in ("nll", "nll_calibrated")]
    share = over_seeds(soft, lambda raw, tempered: np.divide(*(lambda whole, rest: (whole - rest, whole))(*parts_of(raw, tempered))))
    whole, rest = over_seeds(soft[:1], deficit), over_seeds(soft[1:], deficit)
    words_of.append("SUPPORTED" if share.low > 0.5 else "CONTRADICTED" if share.high < 0.5 else "INCONCLUSIVE")
    parts.append(
        f"at T={SOFT:g} {shown(share)} of what the largest teacher costs ({shown(whole, 'nats')}) goes with one temperature a model, "
        f"{shown(rest, 'nats')} stay ({words_of[0].lower()})"
    )
    plain = [grid(pick(table[name], alpha=ALPHA, temperature=1.0)) for name in ("nll", "nll_calibrated")]
    made = over_seeds(plain, lambda raw, tempered: np.subtract(*parts_of(raw, tempered)))
    words_of.append(
        "SUPPORTED" if made.high < SHARE * whole.value else "CONTRADICTED" if made.low > SHARE * whole.value else "INCONCLUSIVE"
    )
    parts.append(
        f"at T=1 the largest costs {shown(over_seeds(plain[:1], deficit), 'nats')}, of which one temperature removes "
        f"{shown(made, 'nats')} ({words_of[1].lower()})"
    )
    return Claim(
        name="C10", says="most of a gap in NLL at T above 1 is over-confidence that T makes; at T=1 there is none of it", expected="yes",
        verdict=both(*words_of), found=f"letters, own rows, α={ALPHA:g}: " + "; ".join(parts) + ".",
    )  # fmt: skip


def double_descent(tables: Tables) -> Claim:
    """C13."""
    table, parts, ps = tables["no ridge"], [], []
    for rows, own in table["accuracy"].groupby("unlabelled_rows"):
        found = modality(grid(own))
        ps.append(found.p)
        parts.append(f"{rows:.0f} unlabelled rows: p of one hump {words.p_value(found.p)}, deepest valley {found.dip:.1f} standard errors")
    ridge = [modality(grid(own)).p for _, own in tables["random features"]["accuracy"].groupby("unlabelled_rows")]
    adjusted = holm(ps)
    verdict = "SUPPORTED" if max(adjusted) < 0.05 else "INCONCLUSIVE"
    return Claim(
        name="C13", says="double descent of the teacher makes the student's curve bimodal", expected="yes, without a ridge",
        verdict=verdict,
        found=f"Fashion-MNIST, random features, {FEATURES_ROWS} labelled rows, accuracy, no ridge: {'; '.join(parts)}. With the default "
        f"ridge p is {words.p_value(min(ridge))} or more: one hump.",
    )  # fmt: skip


def removal(table: Mapping[str, pd.DataFrame], plain: Mapping[str, Any], treated: Mapping[str, Any], t: float) -> tuple[str, str]:
    """What a treatment does to the cost of the largest teacher, in calibrated NLL: a verdict, and the numbers.

    Where the largest is not shown to cost anything without the treatment there is nothing to remove, whatever comes after.
    """
    before, after = (grid(pick(table["nll_calibrated"], temperature=t, **values)) for values in (plain, treated))
    cost, (verdict, change, left) = over_seeds([before], deficit), shrinks(before, after)
    best = over_seeds([before, after], lambda first, second: second.max(axis=-1) - first.max(axis=-1))
    told = (
        f"the largest costs {shown(cost, 'nats')} before and {shown(left)} after, {shown(change)} less; "
        f"the best gain changes by {shown(best)}"
    )
    return ("NOT APPLICABLE" if cost.low <= 0 else verdict), told


def of_treatments(tables: Tables, cases: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any], str]]) -> tuple[str, str]:
    """One verdict, at the default temperature, over treatments, and what was found at each temperature."""
    verdicts, parts = [], []
    for study, plain, treated, name in cases:
        for t in (TEMPERATURE, SOFT):
            verdict, told = removal(tables[study], plain, treated, t)
            if t == TEMPERATURE:
                verdicts.append(verdict)
            parts.append(f"{name}, T={t:g}: {told} ({'no cost to remove is shown' if verdict == 'NOT APPLICABLE' else verdict.lower()})")
    word = verdicts[0] if len(set(verdicts)) == 1 else "INCONCLUSIVE"
    return word, f"letters, own rows, α={ALPHA:g}, calibrated NLL. " + "; ".join(parts) + f". The verdict is that at T={TEMPERATURE:g}."


def regularised(tables: Tables) -> Claim:
    """C14."""
    stopped = float(tables["letters, stopped"]["nll"]["teacher_steps"].min())
    verdict, found = of_treatments(
        tables,
        (
            ("letters, decay", {"teacher_weight_decay": None}, {"teacher_weight_decay": 1.0}, "teachers of weight decay 1"),
            ("letters, stopped", {"teacher_steps": None}, {"teacher_steps": stopped}, f"teachers of {stopped:.0f} steps"),
        ),
    )
    return Claim(
        name="C14", says="a regularised or early-stopped large teacher shrinks the gap on its own rows", expected="untested before",
        verdict=verdict, found=found,
    )  # fmt: skip


def schedule(tables: Tables) -> Claim:
    """C15."""
    steps = sorted(tables["letters, schedule"]["nll"]["steps"].unique())
    name = f"students and twins of {steps[0]:.0f} and {steps[1]:.0f} steps under the same teachers"
    verdict, found = of_treatments(tables, (("letters, schedule", {"steps": steps[0]}, {"steps": steps[1]}, name),))
    return Claim(
        name="C15", says="longer training of the student shrinks the gap", expected="untested before", verdict=verdict, found=found
    )
