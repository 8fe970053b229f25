"""The main table of a zoo for a paper: scores and gains with intervals, every student beside its twin; as Markdown, CSV or LaTeX."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kdprobe.core.errors import DataError
from kdprobe.core.files import write_atomically
from kdprobe.core.pages import MARK, is_table
from kdprobe.core.section import Column, Table
from kdprobe.core.words import interval, plain, unformulated
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.page import check_files, drawn_sections, merged_cards

STUDENT = Column(key="student", title="student")


def main_tables(evidence: Evidence) -> list[Table]:
    """Return the scores of all students, one table for those of one kind of task: what else is in a row depends on it.

    Raises
    ------
    DataError
        If the zoo's question has no scores, or no model finished.
    """
    found: dict[tuple[str, ...], list[Table]] = {}
    for card in merged_cards([card for _, content in drawn_sections(evidence) for card in content.cards]):
        if card.scores is not None:
            rows = tuple({"student": card.headline, **row} for row in card.scores.rows)
            own = Table(caption=card.scores.caption, columns=(STUDENT, *card.scores.columns), rows=rows)
            found.setdefault(tuple(column.key for column in own.columns), []).append(own)
    if not found:
        raise DataError(
            "the zoo has no table of scores: a sweep that asks --gap or --knowledge has one; give --format html for all that is known"
        )
    return [
        Table(caption=same[0].caption, columns=same[0].columns, rows=sum((table.rows for table in same), ())) for same in found.values()
    ]


def markdown(tables: Sequence[Table]) -> str:
    """Return tables as Markdown, each with its caption above."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells) + " |"

    parts = list[str]()
    for table in tables:
        heads = [column.title for column in table.columns]
        ruled = ["---:" if column.shown in ("number", "interval") else "---" for column in table.columns]
        rows = [[_told(row.get(column.key)) for column in table.columns] for row in table.rows]
        parts.append("\n".join([f"{table.caption}.", "", line(heads), "|" + "|".join(ruled) + "|", *map(line, rows)]))
    return "\n\n".join([f"<!-- {MARK} -->", *parts]) + "\n"


def latex(tables: Sequence[Table]) -> str:
    """Return tables as LaTeX for the package booktabs, each in a float with its caption."""
    parts = [f"% {MARK}; needs \\usepackage{{booktabs}}"]
    for table in tables:
        frame = pd.DataFrame(
            [[_tex(_told(row.get(column.key))) for column in table.columns] for row in table.rows],
            columns=[_tex(column.title) for column in table.columns],
        )
        ruled = "".join("r" if column.shown in ("number", "interval") else "l" for column in table.columns)
        parts.append(frame.to_latex(index=False, escape=False, column_format=ruled, caption=_tex(table.caption)).strip())
    return "\n\n".join(parts) + "\n"


def comma_separated(tables: Sequence[Table]) -> str:
    """Return tables as one CSV: an interval is three columns, NAME, NAME_low and NAME_high; a cell that a kind of task lacks is empty."""
    rows = [_numbers(table, row) for table in tables for row in table.rows]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")


WRITERS: Mapping[str, Callable[[Sequence[Table]], str]] = {"md": markdown, "csv": comma_separated, "tex": latex}


def write_table(evidence: Evidence, written: str, path: Path) -> Path:
    """Write the main table to a file, which may replace only one that this wrote.

    Raises
    ------
    PlanError, DataError
        As `kdprobe.report` does; and DataError as `main_tables` does.
    """
    check_table(path)
    write_atomically(path, WRITERS[written](main_tables(evidence)).encode())
    return path


def check_table(path: Path) -> Path:
    """Return the path, or raise PlanError where no table can be written: only one that this wrote is replaced."""
    return check_files(path, [(path, is_table, "table")])


def _told(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return plain(value) if isinstance(value, int | float) else interval(*value[:3])


def _numbers(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in table.columns:
        value = row.get(column.key)
        if column.shown == "number" and isinstance(value, str):
            value = int(value.replace(",", ""))
        if column.shown == "interval":
            ends = value if isinstance(value, tuple) else (value, None, None)
            found |= dict(zip((column.key, f"{column.key}_low", f"{column.key}_high"), ends, strict=False))
        else:
            found[column.key] = unformulated(value)
    return found


_SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"}, "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "−": "$-$", "α": r"$\alpha$", "²": "$^2$", "·": r"$\cdot$", "×": r"$\times$", "‖": r"$\|$", "κ": r"$\kappa$",
}  # fmt: skip
"""What LaTeX would read as its own, or has no letter for."""


def _tex(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in text)
