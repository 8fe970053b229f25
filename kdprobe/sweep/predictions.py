"""What theory predicts of a plan's curves, from the rows that its models learn from, before any of them is trained.

Teachers and students are read as least squares on the first so many of one list of features: the columns themselves for networks of the
law, random ReLU features in place of hidden units for the others, which is what such networks are as long as their hidden layers stay as
they were drawn. Where networks leave that behind, prediction and curve part ways, and the page shows it. Probe rows have no part in it.
"""

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from kdprobe.core.identity import content_id
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme, Stage
from kdprobe.sweep.cells import Block
from kdprobe.sweep.plan import Plan
from kdprobe.tasks.splits import Split, split

KEY = ("task", "scheme", "distiller", "student", "labelled_rows", "unlabelled_rows", "label_noise")
"""What tells predictions of one plan apart."""
MOST_WORK = 4e9
"""Labelled rows × features² of all curves together: some seconds of one core."""
MOST_FRESH = 4_000
"""Rows without labels that are compared with the labelled ones."""
READ_AS = {
    "nested_linear": "least squares on the first columns",
    "mlp": "least squares on random ReLU features, as many as hidden units",
    "random_features": "least squares on random ReLU features",
}
SQUARED = ("l2_imitation",)


def sealed_predictions(plan: Plan, before: Mapping[str, Any], *, models: int) -> dict[str, Any]:
    """Return predictions for every curve of a plan: those that are there stay as they are, and what is new says how many models there were.

    Parameters
    ----------
    before
        What was sealed already; {} for nothing.
    models
        How many models of the zoo are trained: a prediction that is made after results is told as one.
    """
    entries: list[dict[str, Any]] = list(before.get("entries", []))
    for block in plan.blocks() if plan.asks == "gap" else ():
        if block.draw == 0 and find("tasks", block.task).kind == "regression" and find("schemes", block.scheme).judged:
            _add(plan, block, entries, models)
    return {"entries": entries, "hash": content_id(entries)}


def _key(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(entry[name] for name in KEY), *_widths(entry))


def _widths(entry: Mapping[str, Any]) -> list[int]:
    return [one["width"] for one in entry["teachers"]]


def _work(entry: Mapping[str, Any]) -> float:
    """What a fit costs; on the teacher's own rows none is needed."""
    return 0.0 if entry["unlabelled_rows"] is None else entry["labelled_rows"] * float(max(*_widths(entry), entry["student"])) ** 2


def _add(plan: Plan, block: Block, entries: list[dict[str, Any]], models: int) -> None:
    """Append what is predicted of a block's curves, where it is not there."""
    parts = split(find("tasks", block.task), draw=min(block.draws()), sizes=plan.sizes(block.task))
    fresh = any(stage.sees("transfer") for stage in find("schemes", block.scheme).stages)
    there = {_key(entry) for entry in entries}
    for distiller in block.distillers:
        for setting, student in product(block.own_settings(distiller), block.student_widths):
            entry: dict[str, Any] = {
                "task": block.task, "scheme": block.scheme, "distiller": distiller, "student": student,
                # as the zoo names them: where rows come in blocks there are a few less
                "labelled_rows": setting["train_rows"] or parts.sizes.train,
                "unlabelled_rows": (setting["transfer_rows"] or parts.sizes.transfer) if fresh else None,
                "label_noise": float(setting["label_noise"] or 0.0),
                "teachers": [{"width": width, "gain": None} for width in sorted(block.teacher_widths)],
                "read_as": READ_AS.get(block.family, ""), "reason": "", "models_there": models,
            }  # fmt: skip
            if _key(entry) in there:
                continue
            there.add(_key(entry))
            spent = sum(_work(one) for one in entries if not one["reason"])
            entry["reason"] = _unfit(block, entry, parts, spent)
            if not entry["reason"]:
                _predict(block, entry, parts)
            entries.append(entry)


def _unfit(block: Block, entry: Mapping[str, Any], parts: Split, spent: float) -> str:
    """Why no law speaks of an arm, whatever its rows look like."""
    scheme: Scheme = find("schemes", block.scheme)
    student = scheme.student
    if block.two_families:
        return f"the law is about teachers of the students' own family, and these are {block.family_of('teacher').title}"
    if block.family not in READ_AS:
        return f"no theorem here is about networks of the family {block.family}"
    if entry["distiller"] not in SQUARED:
        return f"the law is about squared distances from the teacher, and {entry['distiller']} is another loss"
    plain = Stage("student", rows=student.rows, taught_by=("teacher",), alpha=student.alpha)
    if scheme.read_against != (Stage("teacher"), Stage("twin")) or student != plain:
        return "the law is about students that learn from one teacher, on its own rows or on fresh ones alone"
    if entry["label_noise"]:
        return "noise was added to the labels of some models, and the law is about one kind of labels"
    if parts.outputs != 1:
        return f"there are {parts.outputs} targets, and the law is about one"
    if block.family == "nested_linear" and block.options_of("student").get("ridge"):
        return "the networks are ridge regressions, and the law is about least squares"
    work = spent + _work(entry)
    if work > MOST_WORK:
        return f"rows × features² come to {work:.1e} in this plan, and to cost a few seconds they may come to {MOST_WORK:.0e}"
    return ""


def _predict(block: Block, entry: dict[str, Any], parts: Split) -> None:
    from kdprobe.theory.predicted import predicted_gains, same_rows_gains  # needs scipy, which plans do without

    student, widths = entry["student"], _widths(entry)
    m = entry["unlabelled_rows"]
    if m is None:
        found = same_rows_gains(student=student, teachers=widths)
    else:
        # the first rows that were drawn, as everywhere
        labelled, transfer = parts.train.first(entry["labelled_rows"]), parts.transfer.first(m)
        fresh = transfer.first(MOST_FRESH)
        x = _features(block.family, labelled.x, fresh.x, max(*widths, student))
        found = predicted_gains(
            x[: labelled.n], labelled.y, fresh=x[labelled.n :], rows=transfer.n, student=student, teachers=widths,
            intercept=block.family != "nested_linear",
        )  # fmt: skip
    entry["reason"] = found.reason
    for one, gain in zip(entry["teachers"], found.gains, strict=True):
        one["gain"] = None if gain is None or not all(map(math.isfinite, gain)) else [float(end) for end in gain]


def _features(family: str, labelled: np.ndarray, fresh: np.ndarray, width: int) -> np.ndarray:
    """(n + k, width) features of labelled and fresh rows, in the order in which models of growing size take them in."""
    x = np.concatenate([part.reshape(len(part), -1).astype(np.float64) for part in (labelled, fresh)])
    if family == "nested_linear":
        return x[:, :width]
    # as the family of random features draws them; units that never fire, or always do on no row, tell nothing apart
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(x.shape[1], 2 * width + 20)) / math.sqrt(x.shape[1]), rng.normal(size=2 * width + 20)
    hidden = np.maximum(x @ weight + bias, 0.0)
    spread = hidden[: len(labelled)].std(axis=0) > 1e-9
    return hidden[:, np.flatnonzero(spread)[:width]]
