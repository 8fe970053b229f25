"""``kdprobe tables``."""

from pathlib import Path

from kdprobe.cli._tables import Flag


def tables(name: str | None = None, *, path: Flag = False) -> int:
    """Print a table that pages cite, such as how often their verdicts are wrong.

    Parameters
    ----------
    name
        Of the table, as in `kdprobe tables calibration`; without it the names are listed.
    path
        Print where the file is, in place of what it holds.
    """
    from kdprobe.cli._tables import show
    from kdprobe.core.errors import PlanError, did_you_mean
    from kdprobe.core.words import visible

    found = {file.stem: file for file in sorted(reports_folder().glob("*.md")) if file.stem != "README"}
    if name is None:
        titles = {stem: file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for stem, file in found.items()}
        show(["table", "what it is"], [*titles.items()])
        return 0
    # as pages write it, too: reports/calibration.md
    stem = Path(name).stem
    if stem not in found:
        raise PlanError(f"table {name!r} is unknown: {did_you_mean(stem, found)}")
    print(visible(str(found[stem])) if path else found[stem].read_text(encoding="utf-8").rstrip())
    return 0


def reports_folder() -> Path:
    """Where tables and built pages lie: a wheel has those that the package cites inside it, a clone has all beside it."""
    import kdprobe

    package = Path(kdprobe.__file__).parent
    inside = package / "reports"
    return inside if inside.is_dir() else package.parent / "reports"
