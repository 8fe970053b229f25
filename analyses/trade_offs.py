"""Temperature, weight of the teacher, kind of knowledge, size of the teacher, L2 or cosine: the survey's design trade-offs as sweeps.

    python analyses/trade_offs.py                                             # all five on letters and bikeshare
    python analyses/trade_offs.py --quick                                     # one task, small networks, few seeds: seconds
    python analyses/trade_offs.py --zoo zoos --out reports/trade_offs.md      # and reports/trade_offs.csv: one row a student

Perceptrons, paired seeds, students of 16 units under teachers of 128 where nothing else is said. What a question does not vary has the
default of every plan (see defaults.py). Gains are over the paired twin, on probe rows that chose nothing: NLL after one temperature a model
and as it is, or squared error in variances of the target. The intervals of a column hold together, 95 % for all of them (Bonferroni), so
that an arm may be called better where its own interval says so. Temperature and α are also chosen as a practitioner would, on validation
rows of seeds of their own, and what is chosen is read on the other seeds: what is best in a table is best by chance too.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from paired import by_seed, interval, markdown, write

import kdprobe
from kdprobe.core.axes import AXES

ALONE = {"same_rows": "teacher's labelled rows", "transfer_rows": "unlabelled rows"}
REGIMES = ALONE | {"labelled_and_transfer_rows": "labelled and unlabelled rows"}
ALPHA, TEMPERATURE = float(AXES["alpha"].default), float(AXES["temperature"].default)
LOSS = {"classification": ("nll_calibrated", "nll"), "regression": ("mse",)}
WORDS = {"nll": "gain, NLL", "nll_calibrated": "gain, NLL calibrated", "mse": "gain, MSE"}
KINDS = {
    "classification": {"kd": "response", "hint": "intermediate", "pkt": "relation", "vid": "information"},
    "regression": {"l2_imitation": "response", "hint": "intermediate", "pkt": "relation", "vid": "information"},
}
TEMPERATURES, ALPHAS = (1.0, 2.0, 4.0, 8.0), (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
KIND_ALPHAS, ALIGNMENT_ALPHAS = (0.3, 0.9), (0.3, 0.9, 0.99)
TEACHERS = (8, 16, 32, 64, 128, 256)


class Bench:
    """Where zoos lie, how large they are, and what was trained in them."""

    def __init__(self, task: str, folder: Path, seeds: int, *, quick: bool):
        self.task, self.folder, self.seeds, self.quick = task, folder, seeds, quick
        self.kind: str = kdprobe.available("tasks")[task].kind
        self.metrics = LOSS[self.kind]
        self.gains: list[pd.DataFrame] = []

    def gap(self, name: str, **settings: Any) -> kdprobe.Zoo:
        """A sweep over axes."""
        sizes = {"teacher_widths": (16,), "student_widths": (4,)} if self.quick else {"teacher_widths": (128,), "student_widths": (16,)}
        plan = kdprobe.GapPlan(**{"tasks": (self.task,), "seeds": self.seeds, "beside": {}} | sizes | self._steps | settings)
        return self._run(plan, name)

    def knowledge(self, name: str, distillers: Sequence[str], alphas: Sequence[float]) -> kdprobe.Zoo:
        """A sweep over distillers, each at several weights."""
        sizes = {"teacher_width": 16, "student_widths": (4,)} if self.quick else {}
        given: dict[str, Any] = {"tasks": (self.task,), "seeds": self.seeds, "distillers": tuple(distillers), "alphas": tuple(alphas)}
        return self._run(kdprobe.KnowledgePlan(**given | sizes | self._steps, controls=False), name)

    def table(self, zoo: kdprobe.Zoo, question: str) -> dict[str, pd.DataFrame]:
        """Gains of a zoo by metric, kept for the table of all students."""
        found = {metric: zoo.gains(metric=metric).assign(weight=weights) for metric in self.metrics}
        self.gains += [table.assign(question=question, metric=metric) for metric, table in found.items()]
        return found

    @property
    def _steps(self) -> dict[str, Any]:
        return {"steps": 100} if self.quick else {}

    def _run(self, plan: Any, name: str) -> kdprobe.Zoo:
        return kdprobe.sweep(plan, self.folder / f"{name}-{self.task}", similarity=False)


def weights(table: pd.DataFrame) -> pd.Series:
    """Weight of each student's own kind of loss: α, or its share where a response loss takes the place of labels that are not there."""
    responses = [json.loads(text).get("response", 0.0) for text in table["loss_parameters"]]
    return (table["alpha"] / (1 + pd.Series(responses, index=table.index))).round(6)


def rows_of(bench: Bench, tables: dict[str, pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """One row an arm, told apart by columns of its setting, with its gain on every metric; 95 % for all intervals of a column together."""
    first = next(iter(tables.values()))
    rows, arms = [], list(dict.fromkeys(map(tuple, first[["scheme", *names]].to_numpy().tolist())))
    for values in arms:
        arm = dict(zip(["scheme", *names], values, strict=True))
        gains = {WORDS[metric]: interval(by_seed(table, "gain", **arm), of=len(arms)).told for metric, table in tables.items()}
        shown = {name: f"{arm[name]:g}" if isinstance(arm[name], float) else str(arm[name]) for name in names}
        rows.append({"learns from": REGIMES[arm["scheme"]], **shown, **gains})
    return pd.DataFrame(rows)


def tuned(bench: Bench, zoo: kdprobe.Zoo, name: str, usual: float) -> str:
    """What a setting chosen on validation rows gains beyond the usual one, by regime, on seeds that chose nothing."""
    lines = []
    for scheme, words in REGIMES.items():
        found = zoo.gains(tune=(name,))
        found = found[found["scheme"] == scheme]
        if found.empty or found[name].isna().all():
            continue
        fixed = by_seed(zoo.gains(), "gain", scheme=scheme, **{name: usual})
        more = interval(by_seed(found, "gain", scheme=scheme) - fixed)
        lines.append(f"- {words}: {found[name].iloc[0]:g} is chosen on validation rows; {more} beyond {usual:g}, {more.word}")
    return "\n".join(lines)


def temperature(bench: Bench) -> str:
    """Softer targets."""
    if bench.kind == "regression":
        return "### Temperature\n\nA regression's targets have no temperature."
    with bench.gap("temperature", temperature=TEMPERATURES, tune=("temperature",), tune_seeds=2) as zoo:
        table = rows_of(bench, bench.table(zoo, "temperature"), ["temperature"])
        return f"### Temperature, at α = {ALPHA:g}\n\n{markdown(table)}\n\n{tuned(bench, zoo, 'temperature', TEMPERATURE)}"


def alpha(bench: Bench) -> str:
    """The teacher's weight beside the labels'."""
    with bench.gap("alpha", schemes=("same_rows", "labelled_and_transfer_rows"), alpha=ALPHAS, tune=("alpha",), tune_seeds=2) as zoo:
        table = rows_of(bench, bench.table(zoo, "alpha"), ["alpha"])
        return f"### α, at T = {TEMPERATURE:g}\n\n{markdown(table)}\n\n{tuned(bench, zoo, 'alpha', ALPHA)}"


def kinds(bench: Bench) -> str:
    """One distiller of each kind of knowledge."""
    named = KINDS[bench.kind]
    with bench.knowledge("kinds", tuple(named), KIND_ALPHAS) as zoo:
        tables = bench.table(zoo, "kind of knowledge")
        table = rows_of(bench, tables, ["distiller", "weight"])
        table.insert(1, "knowledge", table["distiller"].map(named))
        return f"### Kind of knowledge\n\n{markdown(table)}"


def size(bench: Bench) -> str:
    """How large a teacher is worth what it costs."""
    widths = (8, 32) if bench.quick else TEACHERS
    with bench.gap("size", teacher_widths=widths) as zoo:
        tables, models, parts = bench.table(zoo, "teacher size"), zoo.models(), []
        models = models[models["role"].isin(["teacher", "student"])]
        # a step takes one pass forward and two back; of a teacher that is trained anew for the student, all of it is a cost
        cost = models["flops"] * models["batch_size"] * models["steps"] * 3
        by_width = cost.groupby([models["role"], models["width"]]).first()
        for scheme, words in REGIMES.items():
            rows = []
            for width in widths:
                gains = {m: interval(by_seed(t, "gain", scheme=scheme, teacher_width=width), of=len(widths)) for m, t in tables.items()}
                rows.append(
                    {
                        **{"learns from": words, "teacher": f"{width} units"},
                        "cost of training, teacher over student": f"{by_width['teacher', width] / by_width['student'].iloc[0]:.1f}",
                        **{WORDS[metric]: str(gain) for metric, gain in gains.items()},
                    }
                )
            parts.append(markdown(pd.DataFrame(rows)))
            for metric, table in tables.items():
                verdict = kdprobe.capacity_gap(table[table["scheme"] == scheme])
                best = ", ".join(f"{value:g}" for value in verdict.best_sizes)
                parts.append(f"{WORDS[metric]}: capacity gap {verdict.verdict}; teacher sizes that may be best, in parameters: {best}.")
        return "### Size of the teacher, and what it costs (95 % for all sizes of a column together)\n\n" + "\n\n".join(parts)


def alignment(bench: Bench) -> str:
    """Hidden layers led to the teacher's by distance, or by direction alone."""
    with bench.knowledge("alignment", ("hint", "cosine"), ALIGNMENT_ALPHAS) as zoo:
        tables = bench.table(zoo, "L2 or cosine")
        table = rows_of(bench, tables, ["distiller", "weight"])
        rows = []
        pairs = [(scheme, weight) for scheme in ALONE for weight in ALIGNMENT_ALPHAS]
        for scheme, weight in pairs:
            row = {"learns from": REGIMES[scheme], "weight": f"{weight:g}"}
            for metric, gains in tables.items():
                one, two = (by_seed(gains, "gain", scheme=scheme, weight=weight, distiller=name) for name in ("cosine", "hint"))
                more = interval(one - two, of=len(pairs))
                row[f"cosine over L2, {WORDS[metric].removeprefix('gain, ')}"] = f"{more} {more.word}"
            rows.append(row)
        both = "Paired by seed, 95 % for all intervals of a column together:"
        return f"### L2 or cosine alignment of a hidden layer\n\n{markdown(table)}\n\n{both}\n\n{markdown(pd.DataFrame(rows))}"


QUESTIONS = {"temperature": temperature, "alpha": alpha, "kinds": kinds, "size": size, "alignment": alignment}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--task", nargs="+", default=["letters", "bikeshare"])
    parser.add_argument("--question", nargs="+", choices=list(QUESTIONS), default=list(QUESTIONS))
    parser.add_argument("--seeds", type=int, default=10, help="paired seeds")
    parser.add_argument("--quick", action="store_true", help="letters alone unless tasks are given, 3 seeds, small networks: seconds")
    parser.add_argument("--zoo", type=Path, help="a folder to keep what was trained in: a second run resumes")
    parser.add_argument("--out", type=Path, help="a Markdown file to write, instead of printing; a CSV of all students beside it")
    options = parser.parse_args(arguments)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)  # before minutes of training, not after
    tasks = options.task[:1] if options.quick and options.task == ["letters", "bikeshare"] else options.task
    texts, gains = [], []
    with tempfile.TemporaryDirectory() as passing:
        for task in tasks:
            bench = Bench(task, options.zoo or Path(passing), 3 if options.quick else options.seeds, quick=options.quick)
            parts = [QUESTIONS[name](bench) for name in options.question]
            texts.append("\n\n".join([f"## {task}, {bench.seeds} paired seeds", *parts]))
            gains += bench.gains
    write("\n\n".join(texts), options.out)
    if options.out is not None:
        table = pd.concat(gains, ignore_index=True)
        table.dropna(axis="columns", how="all").to_csv(options.out.with_suffix(".csv"), index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
