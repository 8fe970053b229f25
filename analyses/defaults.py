"""The settings that a plan has where none are given, chosen by a rule on rows and seeds that are in no result.

    python analyses/defaults.py                                    # the whole search: about ten minutes on one core
    python analyses/defaults.py --quick                            # letters alone, small: seconds, and chooses nothing
    python analyses/defaults.py --zoo zoos --out reports/defaults.md

The rule, fixed before the search was run:

1. Steps, for each task: of the numbers tried, the one at which networks that nobody teaches (teachers of 32 and 256 units, twins of 8
   and 32) have the least mean validation loss. No student is looked at, so it favours the baseline if anyone. Students have as many: a
   twin is a twin because it differs by its teacher alone. What students would gain by other numbers stands beside.
2. Distiller and T for each kind of task, and one α for both kinds: the combination with which students have the least mean validation loss,
   over students of 8 and 32 units, teachers of 32 and 256, and all regimes; over tasks the mean logarithm of the loss, so that no task's
   unit weighs more. One combination for all regimes and sizes: a default is what one gets without a search. Distillers that are undefined
   in a regime are no candidates. Where others are within noise of the best the table says so; the best mean is taken all the same, so
   that nobody chooses.

Draws of labelled rows and seeds are in no result: results use draws from 0 and seeds from 0, this search draws from 2,000 and seeds from
5,000 (draws from 1,000 were looked at while it was being written). The loss is the one on validation rows at the end of training, NLL as
it is or squared error; no probe row is read.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from paired import interval, markdown, write

import kdprobe
from kdprobe.sweep.cells import Block

FIRST_DRAW, FIRST_SEED = 2_000, 5_000
STEPS = {"letters": (300, 600, 1200, 2400, 4800), "bikeshare": (75, 150, 300, 600, 1200)}
REGIMES = ("same_rows", "transfer_rows", "labelled_and_transfer_rows")
TEMPERATURES, ALPHAS = (1.0, 2.0, 4.0), (0.3, 0.5, 0.7, 0.9)
DISTILLERS = {"classification": ("kd", "logit_mse", "dist"), "regression": ("l2_imitation", "l1_imitation")}
WORDS = {"distiller": "distiller", "alpha": "α", "temperature": "T", "steps": "steps"}


class Rehearsal(kdprobe.GapPlan):
    """A plan on draws of labelled rows that are in no result."""

    def crossed(self) -> tuple[Block, ...]:
        """The blocks of the plan, each on a draw far from those of results."""
        return tuple(replace(block, draw=block.draw + FIRST_DRAW) for block in super().crossed())


class Search:
    """Sweeps over candidates, read on validation rows alone."""

    def __init__(self, task: str, folder: Path, *, quick: bool):
        self.task, self.folder = task, folder
        self.kind: str = kdprobe.available("tasks")[task].kind
        sizes: dict[str, Any] = {"teacher_widths": (32, 256), "student_widths": (8, 32), "seeds": 2, "draws": 6}
        self.sizes = {"teacher_widths": (8,), "student_widths": (4,), "seeds": 2, "draws": 1} if quick else sizes
        self.steps = (20, 40) if quick else STEPS[task]
        self.temperatures, self.alphas = (TEMPERATURES[:2], ALPHAS[:2]) if quick else (TEMPERATURES, ALPHAS)

    def untaught(self) -> pd.DataFrame:
        """Validation loss of networks that nobody teaches: one row a role, width, number of steps, draw and seed."""
        found = self._run("steps", schemes=("same_rows",), steps=self.steps, distillers=DISTILLERS[self.kind][:1])
        return found.loc[found["role"].isin(["teacher", "twin"])]

    def taught(self, steps: int) -> pd.DataFrame:
        """Validation loss of students by distiller, α, T and regime."""
        found = self._run(
            f"losses-{steps}",
            schemes=REGIMES,
            distillers=DISTILLERS[self.kind],
            temperature=self.temperatures,
            alpha=self.alphas,
            steps=steps,
        )
        return found.loc[found["role"] == "student"]

    def longer(self, distiller: str, alpha: float, temperature: float) -> pd.DataFrame:
        """Validation loss of students and twins at each number of steps, at the settings chosen."""
        chosen = {"distillers": (distiller,), "alpha": alpha, "temperature": temperature}
        return self._run("longer", schemes=REGIMES, steps=self.steps, **chosen)

    def _run(self, name: str, **settings: Any) -> pd.DataFrame:
        # one setting, or those that are named, and nothing beside: fewer labels would want fewer steps
        plan = Rehearsal(tasks=(self.task,), first_seed=FIRST_SEED, beside={}, **self.sizes, **settings)
        with kdprobe.sweep(plan, self.folder / f"{name}-{self.task}", similarity=False) as zoo:
            models, losses = zoo.models(), zoo.kept_losses()
        return models.assign(loss=models["model_id"].map(losses)).dropna(subset=["loss"])


def choose_steps(table: pd.DataFrame) -> int:
    """The number of steps with the least mean loss over roles and widths, each weighing the same."""
    return int(table.groupby(["role", "width", "steps"])["loss"].mean().groupby("steps").mean().idxmin())


def with_own_arms(students: pd.DataFrame, alphas: tuple[float, ...], temperatures: tuple[float, ...]) -> pd.DataFrame:
    """One row a student × combination: where a regime fixes α, or a distiller has no T, one student stands for all values.

    Returns
    -------
    pandas.DataFrame
        With columns "at_alpha" and "at_temperature": the combination that a row is of. T is NaN for distillers that have none.
    """
    pieces = []
    for alpha, temperature in product(alphas, temperatures):
        own = (students["alpha"] == alpha) | (students["scheme"] == "transfer_rows")
        own &= (students["temperature"] == temperature) | students["temperature"].isna()
        pieces.append(
            students.loc[own].assign(
                at_alpha=alpha, at_temperature=students["temperature"].where(students["temperature"].isna(), temperature)
            )
        )
    found = pd.concat(pieces, ignore_index=True)
    return found.drop_duplicates(["model_id", "at_alpha", "at_temperature"])


ARM = ["distiller", "at_alpha", "at_temperature"]
Chosen = tuple[str, float, float]
"""Distiller, α, and T or NaN."""


def mean_losses(table: pd.DataFrame) -> pd.Series:
    """Mean loss of each combination over widths and regimes, each cell weighing the same; of those that all regimes have."""
    cells = table.groupby([*ARM, "scheme", "width", "teacher_width"], dropna=False)["loss"].mean().groupby(level=[0, 1, 2], dropna=False)
    return cells.mean()[cells.size() == cells.size().max()]


def choose_losses(tables: Mapping[str, pd.DataFrame]) -> dict[str, Chosen]:
    """By task the distiller, α and T with the least mean loss; α is one for all tasks, by the mean logarithm of their losses."""
    means = {task: mean_losses(table) for task, table in tables.items()}
    alphas = means[next(iter(means))].index.get_level_values(1).unique()
    alpha = min(alphas, key=lambda alpha: sum(np.log(mean.xs(alpha, level=1).min()) for mean in means.values()))
    return {task: mean[mean.index.get_level_values(1) == alpha].idxmin() for task, mean in means.items()}


def steps_table(table: pd.DataFrame) -> str:
    """Mean loss by number of steps, one column a role and width."""
    wide = table.pivot_table(index="steps", columns=["role", "width"], values="loss", aggfunc="mean")
    shown = wide.map("{:.4f}".format).set_axis([f"{role} {width}" for role, width in wide.columns], axis=1)
    return markdown(shown.assign(mean=wide.mean(axis=1).map("{:.4f}".format)).reset_index())


def losses_table(table: pd.DataFrame, chosen: Chosen) -> str:
    """Mean loss by combination and regime, and how far each is behind the chosen one over draws."""
    arms = ARM
    by_draw = table.groupby([*arms, "scheme", "width", "teacher_width", "draw"], dropna=False)["loss"].mean()
    means = by_draw.groupby(level=[0, 1, 2, 3], dropna=False).mean().unstack("scheme")
    draws = by_draw.groupby(level=[0, 1, 2, 6], dropna=False).mean()
    best = draws.xs(chosen[:2], level=[0, 1]).groupby("draw").mean() if pd.isna(chosen[2]) else draws.xs(chosen, level=[0, 1, 2])
    rows = []
    for arm, own in draws.groupby(level=[0, 1, 2], dropna=False):
        behind = own.droplevel([0, 1, 2]) - best
        parts = means.loc[[arm]] if not pd.isna(arm[2]) else means.loc[[arm[0]]].xs(arm[1], level=1)
        same = arm[:2] == chosen[:2] and (arm[2] == chosen[2] or pd.isna(arm[2]))
        rows.append(
            {"distiller": arm[0], "α": f"{arm[1]:g}", "T": "" if pd.isna(arm[2]) else f"{arm[2]:g}"}
            | {name: f"{parts[name].iloc[0]:.4f}" for name in REGIMES if name in parts}
            | {"mean": f"{own.mean():.4f}", "behind the chosen one": "chosen" if same else str(interval(behind)), "order": own.mean()}
        )
    return markdown(pd.DataFrame(rows).sort_values("order").drop(columns="order"))


def longer_table(table: pd.DataFrame) -> str:
    """Mean loss of students at each number of steps beside that of their twins."""
    models = table.loc[table["role"].isin(["student", "twin"])].assign(regime=lambda t: t["scheme"].where(t["role"] == "student", "twin"))
    wide = models.pivot_table(index=["width", "steps"], columns="regime", values="loss", aggfunc="mean")
    return markdown(wide.map("{:.4f}".format).reset_index())


def told(search: Search, untaught: pd.DataFrame, students: pd.DataFrame, steps: int, chosen: Chosen) -> str:
    """What was found on one task, as text."""
    distiller, alpha, temperature = chosen
    longer = search.longer(distiller, float(alpha), 1.0 if pd.isna(temperature) else float(temperature))
    shown = "" if pd.isna(temperature) else f", T = {temperature:g}"
    unit = "nats" if search.kind == "classification" else "variances of the target"
    return (
        f"## {search.task}: {steps} steps, {distiller}, α = {alpha:g}{shown}\n\n"
        f"### Steps\n\nMean validation loss ({unit}) of untaught networks, by role and width.\n\n{steps_table(untaught)}\n\n"
        f"### Distiller, α and T, at {steps} steps\n\nMean validation loss of students ({unit}); the last column is the difference over "
        f"draws, with a 95 % interval. α is one for all tasks.\n\n{losses_table(students, chosen)}\n\n"
        f"### Students at other numbers of steps\n\nMean validation loss ({unit}) at the settings chosen, beside twins of as many steps."
        f"\n\n{longer_table(longer)}\n"
    )


def main() -> None:
    """Search, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--zoo", type=Path, help="folder for the zoos; a temporary one if none is given")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    tasks = ("letters",) if arguments.quick else tuple(STEPS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.zoo or Path(temporary)
        searches = {task: Search(task, folder, quick=arguments.quick) for task in tasks}
        untaught = {task: search.untaught() for task, search in searches.items()}
        steps = {task: choose_steps(table) for task, table in untaught.items()}
        students = {
            task: with_own_arms(search.taught(steps[task]), search.alphas, search.temperatures) for task, search in searches.items()
        }
        chosen = choose_losses(students)
        texts = [told(search, untaught[task], students[task], steps[task], chosen[task]) for task, search in searches.items()]
        write("\n".join(texts), arguments.out)


if __name__ == "__main__":
    main()
