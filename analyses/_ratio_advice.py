"""What `optimal_ratio.py` advises: three sentences, each imperative chosen by the numbers that stand in it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from _ratio_claims import Tables, best_everywhere, deficit, grid, over_seeds, pick, shown
from _ratio_studies import ALPHA, SOFT, STUDENT, TEMPERATURE

from kdprobe.core.result import Measurement
from kdprobe.report import words
from kdprobe.stats.paired import contrast


def advice(tables: Tables) -> tuple[str, str, str]:
    """What to do, in three sentences with intervals. Every imperative is chosen by what was found."""
    fresh = tables["letters, fresh rows"]["nll_calibrated"]
    plain, soft, chosen = costs(tables)
    rows = sorted(fresh["unlabelled_rows"].unique())
    gains = {m: grid(pick(fresh, unlabelled_rows=m, temperature=TEMPERATURE)) for m in (rows[0], rows[-1])}
    behind = over_seeds([gains[rows[-1]]], deficit)
    few, many = best_gain(gains[rows[0]]), largest_gain(gains[rows[-1]])
    own_steps = at_own_steps(tables["letters, steps"])
    at_steps = {m: largest_gain(grid(own_steps[own_steps["row_count"] == m])) for m in (rows[0], rows[-1])}
    longer = pick(tables["letters, ladder"]["nll_calibrated"], scheme="step_matched_twin")
    settings, best, p = best_everywhere(tables)
    return (
        f"{'Raise no temperature before you have tried' if soft.low > max(plain.value, 0) else 'Try'} T={TEMPERATURE:g}. On letters' own "
        f"rows, calibrated, the student of width {STUDENT} lost {shown(plain, 'nats')} under the largest teacher against the best "
        f"smaller one at α={ALPHA:g} and T={TEMPERATURE:g}, {shown(soft, 'nats')} at T={SOFT:g}, and {shown(chosen, 'nats')} with α and "
        "T chosen for each teacher size on validation rows.",
        f"With {rows[-1]:,.0f} unlabelled rows {'distil from the largest teacher' if many.low > 0 else 'no gain is shown'}: it gains "
        f"{shown(many, 'nats')} over an untaught twin, and against the best smaller one it {_told(behind, 'costs {}', 'gains {}')}. With "
        f"{rows[0]:.0f} unlabelled rows alone {'distil too' if few.low > 0 else 'do not distil' if few.high < 0 else 'it is not settled'}: "
        f"under the best teacher the student {_told(few, 'gains {}', 'loses {}')}. With steps that validation rows chose, for "
        f"students and for twins, the largest teacher's student {_told(at_steps[rows[-1]], 'gains {}', 'loses {}')} with "
        f"{rows[-1]:,.0f} rows and {_told(at_steps[rows[0]], 'gains {}', 'loses {}')} with {rows[0]:.0f}. Twice the steps on the labelled "
        f"rows, without any teacher, gained {shown(largest_gain(grid(longer)), 'nats')}.",
        f"Carry no ratio from one setting to another, sweep your own: over {settings} settings on letters the best teacher had "
        f"{' or '.join(f'{ratio:.1f}' for ratio in best)} times the student's size, and that one size is best in all of them "
        f"{'is refuted' if p < 0.05 else 'is not refuted'} (p {words.p_value(p)}).",
    )


def _told(found: Measurement, more: str, less: str) -> str:
    return words.compared(replace(found, unit="nats"), more, less)


def costs(tables: Tables) -> tuple[Measurement, Measurement, Measurement]:
    """Cost of the largest teacher on its own rows, calibrated NLL: at the default T, at a higher one, and at α and T chosen."""
    table = tables["letters, own rows"]
    fixed = (grid(pick(table["nll_calibrated"], alpha=ALPHA, temperature=t)) for t in (TEMPERATURE, SOFT))
    return tuple(over_seeds([gain], deficit) for gain in (*fixed, grid(table["tuned nll_calibrated"])))


def at_own_steps(study: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Gain of students at the steps that suit them over twins at those that suit twins; validation rows choose, probe rows are scored.

    Returns
    -------
    pandas.DataFrame
        One row a number of unlabelled rows, teacher size and seed: "gain" in calibrated NLL, "steps" and "twin_steps" that were chosen.
    """
    models, scores = study["models"], study["scores"]
    loss = scores[(scores["metric"] == "nll_calibrated") & (scores["rows"] == "B")].set_index("model_id")["value"]
    models = models.assign(loss=models["model_id"].map(loss.to_dict()))
    twins, students = models[models["role"] == "twin"], models[models["role"] == "student"]
    twin_steps = twins.groupby("steps")["validation"].mean().idxmin()
    of_twin = twins[twins["steps"] == twin_steps].set_index("seed")["loss"]
    pieces = []
    for _, cell in students.groupby(["row_count", "teacher_width"]):
        steps = cell.groupby("steps")["validation"].mean().idxmin()
        own = cell[cell["steps"] == steps]
        pieces.append(own.assign(gain=own["seed"].map(of_twin.to_dict()) - own["loss"], twin_steps=twin_steps))
    return pd.concat(pieces)[["row_count", "teacher_width", "teacher_size", "seed", "gain", "steps", "twin_steps"]]


def best_gain(gain: np.ndarray) -> Measurement:
    """The largest mean gain over the sizes."""
    return over_seeds([gain], lambda means: means.max(axis=-1))


def largest_gain(gain: np.ndarray) -> Measurement:
    """Gain under the largest teacher."""
    return contrast(gain[:, -1]).measurement()
