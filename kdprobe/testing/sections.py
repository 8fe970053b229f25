"""The contract of a report section."""

import atexit
import shutil
import tempfile
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

from kdprobe.core.errors import ContractError
from kdprobe.core.section import Content, Section
from kdprobe.report.evidence.frames import Evidence
from kdprobe.sweep import sweep
from kdprobe.sweep.plans import kind
from kdprobe.testing.requirement import require
from kdprobe.zoo import Zoo

SMALL = {"teacher_widths": (3, 6), "teacher_width": 3, "student_widths": (2,), "seeds": 3, "steps": 20}
"""What a question's quick plan has in place of its own, as far as it has such a setting."""


def check_section(section: Section, zoo: Zoo | None = None) -> None:
    """Raise ContractError unless a section draws a zoo the same way twice, in words, figures or tables that a page can show.

    Parameters
    ----------
    section
        What a plug-in registers.
    zoo
        A zoo to draw; by default a small one is trained, of the first question that the section is for, which takes some seconds once
        a process.
    """
    if zoo is None:
        with Zoo(_small_zoo("gap" if not section.plans or "gap" in section.plans else section.plans[0])) as opened:
            return check_section(section, opened)
    # each time as a page draws it: every frame read once, without absolute paths
    try:
        first, second = section.draw(Evidence(zoo)), section.draw(Evidence(zoo))
    except Exception as error:
        raise ContractError(f"section {section.name!r}: drawing a small zoo broke ({type(error).__name__}: {error})") from error
    require(section, bool(section.question.strip()), "its question is empty: it is the section's heading")
    given = f"draw gave a {type(first).__name__}, not Content or None: return kdprobe.Content(...)"
    require(section, isinstance(first, Content | None), given)
    require(section, first == second, "drawing the same zoo twice gives two contents: the report must be reproducible")
    for table in () if first is None else first.tables:
        keys = {column.key for column in table.columns}
        missing = sorted(keys - set.intersection(*(set(row) for row in table.rows))) if table.rows else []
        require(section, not missing, f"rows of table {table.caption!r} lack {missing}: give each row a cell for each column")


@cache
def _small_zoo(asks: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="kdprobe-contract-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    plan = kind(asks)().quick()
    few = {name: value for name, value in SMALL.items() if name in {each.name for each in fields(plan)}}  # pyright: ignore[reportArgumentType]
    sweep(replace(plan, **few), folder).close()  # pyright: ignore[reportArgumentType]
    return folder
