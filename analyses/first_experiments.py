"""What do logits teach, what do hidden layers add, and what do several teachers? The survey's first experiments.

    python analyses/first_experiments.py                                          # Fashion-MNIST, and CIFAR-10 where its files are
    python analyses/first_experiments.py --quick                                  # letters, few seeds and steps: seconds
    python analyses/first_experiments.py --zoo zoos --out reports/first_experiments.md

Small convolutional networks (perceptrons for tables), ten paired seeds. One teacher's logits are the baseline; then its hidden layers too
(hints of a middle layer, attention maps), beside the labels where there are some; then the mean of three teachers' answers. Each on the
teacher's own labelled rows and on rows that nobody has labelled. Every student stands beside its twin: same network, initialisation, order
of batches and steps, no teacher.

Settings are one set, the defaults of every plan (see defaults.py), tuned for no arm. At temperature 1, on rows without labels, the loss
beside one on hidden layers is the baseline's own, so that the two differ by the hidden layers alone. The intervals of a column hold
together, 95 % for all of them (Bonferroni): an arm is called better or worse where its own says so.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from paired import Interval, by_seed, interval, markdown, write

import kdprobe
from kdprobe.core.axes import AXES

ALPHA = float(AXES["alpha"].default)
LOGITS, HIDDEN = "kd", ("hint", "attention")
REGIMES = {"same_rows": "the teacher's labelled rows", "transfer_rows": "unlabelled rows"}
SEVERAL = {"same_rows": "multi_teacher", "transfer_rows": "multi_teacher_transfer"}
METRICS = {"nll_calibrated": "NLL, calibrated", "accuracy": "accuracy", "nll": "NLL"}
TITLES = {"kd": "logits", "hint": "hints", "attention": "attention maps"}


def plan_of(task: str, seeds: int, *, quick: bool) -> kdprobe.KnowledgePlan:
    """Every arm, in one zoo: what has no meaning, such as several teachers' hidden layers, the plan leaves out and names."""
    small = {"family": "mlp", "teacher_width": 16, "student_widths": (4,), "steps": 150} if quick else {}
    return kdprobe.KnowledgePlan(
        tasks=(task,),
        schemes=(*REGIMES, *SEVERAL.values()),
        distillers=(LOGITS, *HIDDEN),
        alphas=(ALPHA,),
        seeds=seeds,
        controls=False,
        **small,
    )


def arms_of(zoo: kdprobe.Zoo) -> list[tuple[str, str, str]]:
    """Regime, scheme and distiller of every arm that was trained."""
    there = set(zip(zoo.gains()["scheme"], zoo.gains()["distiller"], strict=True))
    asked = [(regime, regime, name) for regime in REGIMES for name in (LOGITS, *HIDDEN)]
    asked += [(regime, several, LOGITS) for regime, several in SEVERAL.items()]
    return sorted((arm for arm in asked if arm[1:] in there), key=lambda arm: list(REGIMES).index(arm[0]))


def title(scheme: str, distiller: str) -> str:
    """An arm, in words. Beside a loss on hidden layers labels train the output layer, or where there are none the teacher's logits."""
    if scheme in SEVERAL.values():
        return "three teachers' logits"
    return TITLES[distiller] if distiller == LOGITS or scheme == "same_rows" else f"logits and {TITLES[distiller]}"


def beside_twins(zoo: kdprobe.Zoo) -> pd.DataFrame:
    """Gain over the paired twin of every arm, on three metrics; 95 % for all intervals of a metric."""
    tables = {name: zoo.gains(metric=name) for name in METRICS}
    rows, arms = [], arms_of(zoo)
    for regime, scheme, distiller in arms:
        own = {name: by_seed(table, "gain", scheme=scheme, distiller=distiller) for name, table in tables.items()}
        twin = by_seed(tables["accuracy"], "twin_score", scheme=scheme, distiller=distiller)
        scores = {"twin's accuracy": f"{twin.mean():.3f}", "student's": f"{(twin + own['accuracy']).mean():.3f}"}
        gains = {f"gain, {METRICS[name]}": interval(values, of=len(arms)).told for name, values in own.items()}
        rows.append({"learns from": REGIMES[regime], "taught by": title(scheme, distiller), **scores, **gains})
    return pd.DataFrame(rows)


def beside_logits(zoo: kdprobe.Zoo) -> tuple[pd.DataFrame, dict[tuple[str, str, str], Interval]]:
    """What hidden layers and further teachers add to the logits of one teacher, paired by seed; 95 % for all intervals of a metric."""
    others = [arm for arm in arms_of(zoo) if arm[1:] != (arm[0], LOGITS)]
    rows: list[dict[str, str]] = []
    found: dict[tuple[str, str, str], Interval] = {}
    for regime, scheme, distiller in others:
        row = {"learns from": REGIMES[regime], "instead of one teacher's logits": title(scheme, distiller)}
        for name, words in METRICS.items():
            table = zoo.gains(metric=name)
            more = by_seed(table, "gain", scheme=scheme, distiller=distiller) - by_seed(table, "gain", scheme=regime, distiller=LOGITS)
            found[scheme, distiller, name] = interval(more, of=len(others))
            row[words] = found[scheme, distiller, name].told
        rows.append(row)
    return pd.DataFrame(rows), found


def likeness(zoo: kdprobe.Zoo) -> pd.DataFrame:
    """How often a student gives its teacher's class: beside its twin, and beside what any teacher of this recipe would explain."""
    measured = zoo.measurements()
    measured = measured[(measured["probe"] == "agreement_top1") & (measured["status"] == "ok")]
    arms = arms_of(zoo)
    rows = []
    for regime, scheme, distiller in arms:
        own = measured[(measured["scheme"] == scheme) & (measured["distiller"] == distiller)]
        wide = own.astype({"value": float}).pivot(index="seed", columns="comparison", values="value")
        rows.append(
            {
                **{"learns from": REGIMES[regime], "taught by": title(scheme, distiller)},
                **{"twins agree": f"{wide['baseline'].mean():.3f}", "student agrees": f"{wide['own'].mean():.3f}"},
                "shared with any such teacher": str(interval(wide["siblings"] - wide["baseline"], of=len(arms))),
                "this teacher's own": str(interval(wide["own"] - wide["siblings"], of=len(arms))),
            }
        )
    return pd.DataFrame(rows)


def answer(task: str, folder: Path, seeds: int, *, quick: bool) -> str:
    """Train what is not there yet, and the tables of one task."""
    plan = plan_of(task, seeds, quick=quick)
    with kdprobe.sweep(plan, folder / f"first-{task}", progress=not quick) as zoo:
        models = zoo.models()
        networks = {role: models.loc[models["role"] == role].iloc[0] for role in ("teacher", "student")}
        sizes = ", ".join(f"{role}s {row['family']}-{row['width']} with {row['size']} parameters" for role, row in networks.items())
        done, failed = (models["status"] == "done").sum(), (models["status"] == "failed").sum()
        left_out = [f"- {kind.distiller}, {kind.scheme}: {kind.reason}" for kind in plan.refused]
        return "\n\n".join(
            [
                f"## {task}",
                f"{seeds} paired seeds; {sizes}; {done} models trained, {failed} failed; {zoo.provenance()['seconds']:.0f} s.",
                "Gain over the paired twin (larger is better), 95 % for all intervals of a column together:",
                markdown(beside_twins(zoo)),
                "More gain than from one teacher's logits, paired by seed, 95 % for all intervals of a column together:",
                markdown(beside_logits(zoo)[0]),
                "Agreement with the teacher (with the first of three), 95 % for all intervals of a column together:",
                markdown(likeness(zoo)),
                "\n".join(["Left out before anything was trained:", *left_out]),
            ]
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--task", nargs="+", help="by default fashion_mnist, and cifar10 where its files are")
    parser.add_argument("--seeds", type=int, default=10, help="paired seeds")
    parser.add_argument("--quick", action="store_true", help="letters, 3 seeds, few steps: seconds")
    parser.add_argument("--zoo", type=Path, help="a folder to keep what was trained in: a second run resumes")
    parser.add_argument("--out", type=Path, help="a Markdown file to write, instead of printing")
    options = parser.parse_args(arguments)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)  # before minutes of training, not after
    texts = []
    with tempfile.TemporaryDirectory() as passing:
        for task in options.task or (["letters"] if options.quick else ["fashion_mnist", "cifar10"]):
            try:
                texts.append(answer(task, options.zoo or Path(passing), 3 if options.quick else options.seeds, quick=options.quick))
            except kdprobe.DataError as error:
                # not where it was looked for: that says nothing to who reads the page elsewhere
                texts.append(
                    f"## {task}\n\nNot run: {str(error).partition(' (looked in')[0]}. `kdprobe data fetch {task}` brings its files."
                )
    write("\n\n".join(texts), options.out)


if __name__ == "__main__":
    main()
