"""``kdprobe probe``."""

import json as json_module
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from kdprobe.cli._tables import Flag
from kdprobe.core.spelling import files, words
from kdprobe.core.words import visible

if TYPE_CHECKING:
    from kdprobe.compare.compared import Compared

NOT_SHOWN = 4
"""Exit code where a requirement is not shown."""


def probe(
    teacher: Path,
    student: Path,
    *,
    task: Literal["classification", "regression"],
    target: Path | None = None,
    twins: Annotated[tuple[Path, ...], files("twin", "twins")] = (),
    siblings: Annotated[tuple[Path, ...], files("sibling", "siblings")] = (),
    require: Annotated[tuple[str, ...], words("require", unset="none")] = (),
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Flag = False,
) -> int:
    """Compare the outputs of a student with those of its teacher, row by row.

    Files are .npy arrays or .csv tables of numbers, one row a sample: logits or probabilities for classification, predictions for
    regression. It first says whether teaching helped, then what would change that, as a command to copy. A first line of names and a
    first column of names of rows, as pandas writes them, are no data. Exits with 4 where a requirement is not shown.

    Parameters
    ----------
    teacher
        Outputs of the teacher.
    student
        Outputs of the student on the same rows.
    task
        "classification" or "regression".
    target
        The true classes 0..C-1, or the true values.
    twins
        Outputs of untaught twins: without them, likeness cannot be told from transfer.
    siblings
        Outputs of teachers of the same recipe from other seeds: only what exceeds them is called transferred.
    require
        What must be shown, such as 'gain>0' or 'agreement_top1>=0.9' (probe, one of > >= < <=, number): the whole 95 % interval must lie on
        that side. 'cka_output:difference>0' is about one comparison; else the panel of twins, or student and teacher.
    output
        HTML page to write.
    json
        Print one JSON document in place of text.
    """
    from kdprobe.cli._again import Spelling
    from kdprobe.cli._predictions import read_predictions, same_rows
    from kdprobe.compare.requirement import check, requirement

    wanted = [requirement(text) for text in require]
    import kdprobe

    first = read_predictions(teacher)
    # a target of one column tells whether its first line is a row by how many rows there are
    paths = [student, *twins, *siblings, *([] if target is None else [target])]
    others = [read_predictions(path, rows=len(first.values) if first.values.ndim else None) for path in paths]
    for path, other in zip(paths, others, strict=True):
        same_rows(teacher, first, path, other)
    for said in (read.said for read in (first, *others) if read.said):
        print(f"kdprobe: {visible(said)}", file=sys.stderr)
    y = None if target is None else others[-1].values
    if y is not None and task == "classification":
        y = y.reshape(len(y), -1)[:, 0] if y.size == len(y) else y
        y = y.astype(int) if (y == y.astype(int)).all() else y
    twin_outputs = [read.values for read in others[1 : 1 + len(twins)]]
    sibling_outputs = [read.values for read in others[1 + len(twins) : 1 + len(twins) + len(siblings)]]
    found = kdprobe.compare(first.values, others[0].values, (None, y), task=task, twins=twin_outputs, siblings=sibling_outputs)
    again = Spelling(teacher=teacher, student=student, task=task, target=target, twins=twins, siblings=siblings)
    found = replace(found, spelling=again)
    checks = [check(one, found) for one in wanted]
    if output is not None:
        kdprobe.report(found, output)
    if json:
        rows = found.to_frame().astype(object).where(lambda frame: frame.notna(), None).to_dict("records")
        required = [{"require": one.requirement.text, "shown": one.shown, "line": one.line} for one in checks]
        page = None if output is None else str(output)
        document = {**_answered(found), "sentence": found.sentence, "warnings": found.warnings, "results": rows}
        print(json_module.dumps({**document, "required": required, "page": page}))
    else:
        print(found)
        if output is not None:
            print(f"\npage: {output}")
    for one in checks:
        print(f"kdprobe: {visible(one.line)}", file=sys.stderr)
    return 0 if all(one.shown for one in checks) else NOT_SHOWN


def _answered(found: "Compared") -> dict[str, Any]:
    """The answer, whether it is this teacher's own, and what would change it, for a program to read."""
    from kdprobe.compare.answer.following import following
    from kdprobe.compare.answer.found import answer, own

    then = following(found)
    return {"answer": answer(found), "own": own(found).says, "next": None if then is None else asdict(then)}
