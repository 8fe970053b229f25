"""``kdprobe report``."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kdprobe.cli._tables import Flag
from kdprobe.core.errors import PlanError, did_you_mean

FORMATS = ("html", "md", "csv", "tex")


def report(
    zoo: Path,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    format: str = "html",
    figures: Path | None = None,
    open: Flag = False,
) -> int:
    """Write the report of a zoo as one HTML file, with runs.csv beside it; or its main table, and its figures, for a paper.

    Parameters
    ----------
    zoo
        Folder that a sweep wrote.
    output
        File to write; by default report.html in the zoo's folder. A table is printed where no file is named.
    format
        html for the page; md, csv or tex for the main table alone: scores and gains with intervals, every student beside its twin.
    figures
        Folder to write every figure of the page to as well, as SVG and PDF.
    open
        Open the page in a browser.
    """
    if format not in FORMATS:
        raise PlanError(f"format={format!r}: {did_you_mean(format, FORMATS)}")
    if open and format != "html":
        raise PlanError(f"--open opens a page, and --format {format} writes a table: leave one of the two out")
    import kdprobe
    from kdprobe.report.evidence.frames import Evidence
    from kdprobe.report.figures import write_figures
    from kdprobe.report.page import check_target, runs_path, write_report
    from kdprobe.report.tables import WRITERS, check_table, main_tables, write_table

    page = zoo / "report.html" if output is None else output
    # what cannot be written is refused before anything is
    if format != "html" and output is not None:
        check_table(output)
    with kdprobe.Zoo(zoo) as opened:
        if format == "html":
            check_target(page, runs_path(page) if page.name else None)
        evidence = Evidence(opened)
        files = [] if figures is None else write_figures(evidence, figures)
        if format == "html":
            print(write_report(evidence, page))
        elif output is None:
            sys.stdout.write(WRITERS[format](main_tables(evidence)))
        else:
            print(write_table(evidence, format, output))
    if figures is not None:
        print(f"{len(files)} figures in {figures}, SVG and PDF", file=sys.stderr)
    if open:
        from kdprobe.cli._open import open_page

        open_page(page)
    return 0
