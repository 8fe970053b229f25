"""``kdprobe advise``."""

import json as json_module
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from kdprobe.cli._tables import Flag
from kdprobe.core.errors import DataError, PlanError, did_you_mean
from kdprobe.core.words import counted, listed, visible

if TYPE_CHECKING:
    import pandas as pd

    from kdprobe.theory.advisor import Advice


def advise(
    data: Path,
    *,
    target: str,
    unlabelled: Path | None = None,
    rows: Annotated[int | None, Parameter(show_default=False)] = None,
    student: int | None = None,
    teacher: int | None = None,
    teachers: int = 1,
    ridge: float | None = None,
    drop: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)] = (),
    order: Literal["principal", "columns"] = "principal",
    delimiter: str | None = None,
    decimal: str = ".",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Flag = False,
) -> int:
    """Say whether distillation would help on your regression data, before anything is trained.

    The answer is theory's, for least squares and ridge, and only where its assumptions pass checks on your data. How far networks follow
    it is what kdprobe sweep --gap measures.

    Parameters
    ----------
    data
        .csv, .tsv, .txt or Parquet with a line of names and one row a sample, all numbers.
    target
        Name of the column to predict.
    unlabelled
        Rows without labels, in a file of the same kind with the same columns.
    rows
        How many unlabelled rows there will be, where there is no file of them yet.
    student
        Features of the student; by default a quarter of the columns.
    teacher
        Features of the teacher; by default several sizes are tried, which widens the intervals.
    teachers
        Independent teachers, each with labelled rows of its own.
    ridge
        Penalty of a ridge that is to be distilled into itself; by default the best one.
    drop
        Columns to leave out, such as names of rows, with commas or spaces between them.
    order
        In which order models take features in: principal components, or the columns as given.
    delimiter
        What stands between values, where it is no comma.
    decimal
        What stands before decimals: "." or ",".
    output
        Write a page too, with a map of where distilling helps and a cross where these data lie.
    json
        Print one JSON document in place of text.
    """
    if unlabelled is not None and rows is not None:
        raise PlanError(f"rows={rows} beside unlabelled={str(unlabelled)!r}: give the rows, or how many there will be")
    frame = _read(data, delimiter, decimal)
    if target not in frame.columns:
        raise DataError(f"{data} has no column {target!r}: {did_you_mean(target, map(str, frame.columns))}")
    others = [str(column) for column in frame.columns if column != target]
    left_out = _dropped(drop, others, data)
    unnamed = [str(name) for name in frame.columns if str(name) == "Unnamed: 0" and str(name) != target]
    if unnamed:
        print(f"kdprobe: {visible(str(data))}: its first column has no name: it names the rows, and is left out", file=sys.stderr)
    features = frame.drop(columns=[target, *dict.fromkeys([*left_out, *unnamed])])
    if not len(features.columns):
        raise DataError(f"{data} has no column beside {target!r}: give features too")
    _check_numbers(data, frame[[target, *features.columns]])
    fresh: Any = rows
    if unlabelled is not None:
        fresh = _read(unlabelled, delimiter, decimal)
        missing = [str(name) for name in features.columns if name not in fresh.columns]
        if missing:
            raise DataError(f"{unlabelled} lacks {_some(missing)}: {did_you_mean(missing[0], map(str, fresh.columns))}")
        fresh = fresh[list(features.columns)]
        _check_numbers(unlabelled, fresh)
    from kdprobe.theory.advisor import advise as ask

    found = ask(
        features, frame[target], unlabelled=fresh, student=student, teacher=teacher, teachers=teachers, ridge=ridge, order=order
    )  # fmt: skip
    if output is not None:
        import kdprobe

        kdprobe.report(found, output)
    if json:
        print(json_module.dumps(_document(found) | {"page": None if output is None else str(output)}))
        return 0
    print(visible(str(found)))
    if output is not None:
        print(f"\npage: {visible(str(output))}")
    return 0


def _read(path: Path, delimiter: str | None, decimal: str) -> "pd.DataFrame":
    """A table with names and rows, or DataError that says what is wrong with the file."""
    from kdprobe.tasks.own.read import read_table

    frame = read_table(path, delimiter=delimiter, decimal=decimal)
    if not len(frame):
        raise DataError(f"{path} has a line of names and no rows: give rows")
    return frame


def _dropped(drop: Sequence[str], others: Sequence[str], path: Path) -> list[str]:
    """Names of --drop a,b or --drop a b; a column whose own name has a comma is one."""
    named = []
    for text in drop:
        parts = [text] if text in others else [part.strip() for part in text.split(",") if part.strip()] or [text]
        for name in parts:
            if name not in others:
                raise DataError(f"drop={name!r} is no feature of {path}: {did_you_mean(name, others)}")
        named += parts
    return named


def _check_numbers(path: Path, frame: Any) -> None:
    from pandas.api.types import is_numeric_dtype

    words = [str(name) for name in frame.columns if not is_numeric_dtype(frame[name])]
    if words:
        column = frame[words[0]].dropna().astype(str)
        example = f", such as {column.iloc[0]!r} in {words[0]!r}" if len(column) else ""
        if len(column) and re.fullmatch(r"[-+]?\d+,\d+", column.iloc[0]):
            raise DataError(f"{path}: column {words[0]!r} holds decimals with a comma ({column.iloc[0]}): give --decimal ,")
        raise DataError(
            f"{path}: {_some(words)} hold{'s' if len(words) == 1 else ''} words{example}: leave out with --drop, or write a column of 0 "
            "and 1 for each word but one (pandas.get_dummies(drop_first=True))"
        )
    gaps = frame.isna().sum()
    holes = [str(name) for name in frame.columns[gaps > 0]]
    if holes:
        have = "has" if len(holes) == 1 else "have"
        mend = "it or leave its row out" if gaps.sum() == 1 else "them or leave their rows out"
        raise DataError(f"{path}: {_some(holes)} {have} {counted(int(gaps.sum()), 'empty cell')}: fill {mend}")


def _some(names: Sequence[str], most: int = 5) -> str:
    shown = [repr(name) for name in names[:most]] + ([f"{len(names) - most} more"] if len(names) > most else [])
    return f"column{'' if len(names) == 1 else 's'} {listed(shown)}"


def _document(found: "Advice") -> dict[str, Any]:
    def plain(result: Any) -> dict[str, Any]:
        if result.value is None:
            return {"value": None, "reason": result.reason}
        return {"value": result.value, "low": result.low, "high": result.high}

    return {
        "sentence": found.sentence,
        "look_at": list(found.notes),
        "objective": found.first.name,
        "rows": found.rows,
        "unlabelled": found.transfer,
        "features": found.features,
        "student": found.student,
        "noise": plain(found.noise),
        "effective_features": plain(found.spectrum),
        "alignment": plain(found.alignment),
        "objectives": [
            {
                "objective": one.name, "verdict": one.verdict, "says": one.says, "next": one.next, "teacher": one.teacher,
                "share": plain(one.share), "gain": plain(one.gain), "theorem": one.theorem,
                "sizes": [{"teacher": size.teacher, "share": size.share._asdict(), "gain": size.gain._asdict()} for size in one.sizes],
            }
            for one in found.objectives.values()
        ],
        "theorems": [
            {"theorem": name, "applicable": one.applicable, "checks": [
                {"assumption": check, "holds": result.holds, "found": result.found} for check, result in one.checked
            ]}
            for name, one in found.theorems.items()
        ],
    }  # fmt: skip
