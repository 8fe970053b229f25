"""The figures of a zoo as files: SVG and PDF on white, for a paper."""

import re
from pathlib import Path

from kdprobe.core.errors import PlanError
from kdprobe.core.files import special, write_atomically
from kdprobe.core.pages import is_figure
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.page import check_files, drawn_sections
from kdprobe.report.theme.paper import on_paper

LONGEST = 80
"""Letters of a file's name."""


def write_figures(evidence: Evidence, folder: Path) -> list[Path]:
    """Write every figure of a zoo's page as NAME.svg and NAME.pdf into a folder, which is made where it is missing.

    Parameters
    ----------
    evidence
        Of which no section was drawn before: figures are kept as they are drawn.

    Raises
    ------
    PlanError
        If the folder is a file or its own folder is missing, or a file of one of the names is not kdprobe's.
    DataError
        If a file cannot be written, or the zoo holds no student.
    """
    check_folder(folder)
    with on_paper() as kept:
        drawn_sections(evidence)
    files: dict[Path, bytes] = {}
    for figure in kept:
        name = re.sub(r"[^a-z0-9]+", "-", f"{figure.prefix} {figure.title}".lower()).strip("-")[:LONGEST].strip("-")
        files |= {folder / f"{name}.svg": figure.svg, folder / f"{name}.pdf": figure.pdf}
    if folder.is_dir():
        for file in files:
            check_files(file, [(file, is_figure, "figure")])
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        write_atomically(file, content)
    return list(files)


def check_folder(folder: Path) -> None:
    """Raise PlanError where no folder of figures can be."""
    if kind := "" if folder.is_dir() else special(folder) or ("a file" if folder.exists() else ""):
        raise PlanError(f"figures={str(folder)!r} is {kind}: name a folder, or one that is not there")
    if not folder.parent.is_dir():
        raise PlanError(f"figures={str(folder)!r}: its folder does not exist: make it first, or name one that does")
