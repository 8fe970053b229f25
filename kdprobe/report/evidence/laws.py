"""What is known beforehand of a student in a world with a law: the truth that a report draws beside what was found."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kdprobe.core.registry import available
from kdprobe.core.task import Expected
from kdprobe.report.evidence.groups import Curve, Group


@dataclass(frozen=True, kw_only=True, eq=False)
class Law:
    """Expected values by teacher size, for the sizes of a curve."""

    title: str
    gain: np.ndarray
    """(sizes,) of the student over its twin."""
    teacher_loss: np.ndarray
    """(sizes,)."""


def law_of(group: Group, curve: Curve) -> Law | None:
    """Return the law of one student in one arm; None where its task is no world, or no law is known for these networks and rows."""
    task = available("tasks").get(group.task)
    if task is None or task.world is None or not len(curve.sizes):
        return None
    rows = group.frame.drop_duplicates("teacher").set_index("teacher").loc[list(curve.teachers)]
    found: list[Expected] = []
    for taught_by, row in rows.iterrows():
        if row["label_noise"] or row["rows"] not in ("train", "transfer") or taught_by != f"{row['family']}-{row['teacher_width']}":
            # no law is known where labels are noisy, where labels and teacher speak of rows apart, or of teachers of another family
            return None
        counts = {"train": row["labelled_rows"], "transfer": row["unlabelled_rows"]}
        sizes = replace(task.split, **{name: int(count) for name, count in counts.items() if pd.notna(count)})
        expected = task.world.law(
            family=row["family"], options=json.loads(row["options"]), student=int(row["width"]), teacher=int(row["teacher_width"]),
            sizes=sizes, rows=row["rows"], alpha=float(row["alpha"]),
        )  # fmt: skip
        if expected is None:
            return None
        found.append(expected)
    student, twin, teacher = np.array(found).T
    return Law(title=task.world.title, gain=twin - student, teacher_loss=teacher)
