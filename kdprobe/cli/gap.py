"""``kdprobe gap``."""

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from kdprobe.cli._tables import Flag
from kdprobe.core.errors import PlanError
from kdprobe.core.words import visible

Names = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)]


def gap(
    results: Path | None = None,
    *,
    student_size: str | None = None,
    teacher_size: str | None = None,
    seed: str | None = None,
    student_loss: str | None = None,
    twin_loss: str | None = None,
    teacher_loss: str | None = None,
    loss: str | None = None,
    gain: str | None = None,
    draw: str | None = None,
    by: Names = (),
    higher_is_better: Flag = False,
    lower_is_better: Flag = False,
    margin: float | None = None,
    unit: str = "",
    delimiter: str | None = None,
    decimal: str = ".",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    template: Flag = False,
    json: Flag = False,
) -> int:
    """Say which teacher size serves a student best, from a table of runs that were trained elsewhere.

    One row a run. Columns with usual names (student_params, teacher_params, seed, student_loss, twin_loss, teacher_loss, ...) are
    recognised, others are named by the flags below, and the answer says how the table was read. The twin is the same student trained
    without a teacher. With one column of losses, a row without teacher size is a twin, and one without student size a teacher.

    Parameters
    ----------
    results
        Table of runs: CSV, or Parquet and Arrow where pyarrow is installed.
    student_size
        Column of the students' sizes, such as parameter counts; 1.2M and 300k are read.
    teacher_size
        Column of the teachers' sizes.
    seed
        Column of the seed: runs of one seed are compared with each other.
    student_loss
        Column of the student's loss or score.
    twin_loss
        Column of that of its twin, on the same rows.
    teacher_loss
        Column of that of its teacher, on the same rows.
    loss
        Column of losses where twins and teachers have rows of their own.
    gain
        Column of gains over the twin, if they are formed already; larger is better.
    draw
        Column that says which draw of labelled rows a run was trained on.
    by
        Columns of settings, each combination of which has an answer of its own.
    higher_is_better
        The metric is a score, such as accuracy. Unsaid, its name decides.
    lower_is_better
        The metric is a loss, whatever its name says.
    margin
        What is negligible, in the unit of the metric; by default a fifth of the twins' standard deviation over seeds.
    unit
        Of the metric, for the answer: nats, points.
    delimiter
        What stands between values, where it is no comma.
    decimal
        What stands before decimals: "." or ",".
    output
        HTML page to write.
    template
        Print an empty table to fill in, and stop.
    json
        Print one JSON document in place of text.
    """
    if template:
        return _template()
    if results is None:
        raise PlanError("gap: give a table of runs, or --template for an empty one")
    if higher_is_better and lower_is_better:
        raise PlanError("gap: give --higher-is-better or --lower-is-better, not both")
    import kdprobe
    from kdprobe.tasks.own.read import read_table
    from kdprobe.verdicts.own_gap import runs_gap

    columns = {
        "student_size": student_size, "teacher_size": teacher_size, "seed": seed, "student_loss": student_loss, "twin_loss": twin_loss,
        "teacher_loss": teacher_loss, "loss": loss, "gain": gain, "draw": draw,
    }  # fmt: skip
    higher = True if higher_is_better else False if lower_is_better else None
    table = read_table(results, delimiter=delimiter, decimal=decimal)
    found = runs_gap(table, by=by, higher_is_better=higher, margin=margin, unit=unit, **columns)
    if output is not None:
        kdprobe.report(found, output)
    if json:
        print(json_module.dumps(_document(found, output)))
        return 0
    print(*map(visible, found.lines()), sep="\n")
    if output is not None:
        print(f"\npage: {output}")
    return 0


def _document(found: Any, output: Path | None) -> dict[str, Any]:
    from kdprobe.verdicts.own_gap import helps_of

    helps, answers = helps_of(found), list[dict[str, Any]]()
    for setting, of_setting in found.settings.items():
        told = {name: value.item() if hasattr(value, "item") else value for name, value in zip(found.runs.by, setting, strict=True)}
        if setting in found.pools:
            pool = found.pools[setting]
            answers.append({"setting": told, "students": pool.students, "pooled": pool.units, **_verdict(pool.verdict)})
        answers += [
            {"setting": told, "students": [size], **_verdict(verdict), "teaching": _helps(helps[setting, size])}
            for size, verdict in of_setting.by_student.items()
        ]
    return {
        "sentences": found.lines(),
        "verdicts": answers,
        "left_out": found.runs.left_out,
        "page": None if output is None else str(output),
    }


def _triple(value: Any) -> Any:
    return None if value is None or value.value is None else [value.value, value.low, value.high]


def _helps(found: Any) -> dict[str, Any]:
    return {"verdict": found.verdict, "qualifier": found.qualifier, "gain": _triple(found.gain)}


def _verdict(found: Any) -> dict[str, Any]:
    return {
        "verdict": found.verdict, "qualifier": found.details["qualifier"], "best_sizes": found.best_sizes, "ratio": _triple(found.ratio),
        "deficit": _triple(found.details["deficit"]), "p": found.details["p"], "margin": found.details["margin"],
        "seeds": found.details["seeds"],
    }  # fmt: skip


def _template() -> int:
    print("student_size,teacher_size,seed,student_loss,twin_loss,teacher_loss")
    for teacher in (2000, 8000, 32000):
        for seed in range(8):
            print(f"1000,{teacher},{seed},,,")
    print(
        "kdprobe: one row a run: put your sizes and seeds in, and the losses of the student, of its twin (the same student, seed and "
        "number of steps without a teacher) and of the teacher, all on the same rows. 8 seeds allow a verdict, 3 teacher sizes a best one. "
        "Then run `kdprobe gap TABLE.csv`",
        file=sys.stderr,
    )
    return 0
