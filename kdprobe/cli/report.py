"""``kdprobe report``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(zoo: Path, *, output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None) -> int:
    """Write the report of a zoo as one HTML file, with runs.csv beside it.

    Parameters
    ----------
    zoo
        Folder that a sweep wrote.
    output
        File to write; by default report.html in the zoo's folder.
    """
    import kdprobe

    with kdprobe.Zoo(zoo) as opened:
        print(kdprobe.report(opened, zoo / "report.html" if output is None else output))
    return 0
