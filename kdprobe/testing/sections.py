"""The contract of a report section."""

import tempfile
from functools import cache
from pathlib import Path

from kdprobe.core.errors import ContractError
from kdprobe.core.section import Content, Section
from kdprobe.report.evidence.frames import Evidence
from kdprobe.sweep import sweep
from kdprobe.sweep.plans.gap import GapPlan
from kdprobe.zoo import Zoo

SMALL = GapPlan(tasks=("letters", "bikeshare"), teacher_widths=(3, 6), student_widths=(2,), seeds=3, steps=20)


def check_section(section: Section, zoo: Zoo | None = None) -> None:
    """Raise ContractError unless a section draws a zoo the same way twice, in words, figures or tables that a page can show.

    Parameters
    ----------
    section
        What a plug-in registers.
    zoo
        A zoo to draw; by default a small one is trained, which takes some seconds once a process.
    """
    opened = Zoo(_small_zoo()) if zoo is None else zoo
    # each time as a page draws it: every frame read once, without absolute paths
    first, second = section.draw(Evidence(opened)), section.draw(Evidence(opened))
    if not section.question.strip():
        raise ContractError(f"section {section.name!r}: its question is empty: it is the section's heading")
    if not isinstance(first, Content | None):
        raise ContractError(f"section {section.name!r}: draw gave a {type(first).__name__}, not Content or None")
    if first != second:
        raise ContractError(f"section {section.name!r}: drawing the same zoo twice gives two contents: the report must be reproducible")
    for table in () if first is None else first.tables:
        keys = {column.key for column in table.columns}
        missing = sorted(keys - set.intersection(*(set(row) for row in table.rows))) if table.rows else []
        if missing:
            raise ContractError(f"section {section.name!r}: rows of table {table.caption!r} lack {missing}")


@cache
def _small_zoo() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="kdprobe-contract-"))
    sweep(SMALL, folder).close()
    return folder
