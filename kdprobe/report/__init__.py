"""From a zoo to one page that answers, and can be mailed.

Light to import: what draws and renders is imported when a report is made.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdprobe.compare.comparison import Comparison
    from kdprobe.core.section import Card
    from kdprobe.report.evidence.frames import Evidence
    from kdprobe.theory.advisor import Advice
    from kdprobe.verdicts.capacity_gap import GapVerdict
    from kdprobe.verdicts.own_gap import RunsGap
    from kdprobe.zoo import Zoo


def report(zoo: Zoo | Comparison | RunsGap | GapVerdict | Advice | str | Path, path: str | Path) -> Path:
    """Write the report of a zoo as one HTML file, with every run as CSV beside it; or that of a comparison, of
    runs that were trained elsewhere or of an advice, with nothing beside it.

    The page needs no network and no script: scripts only make its tables sortable. Both files are replaced whole or not at all. The same
    zoo gives the same bytes. A default sweep takes a few seconds.

    Parameters
    ----------
    zoo
        A `kdprobe.Zoo`, the folder of one, or what `kdprobe.compare`, `kdprobe.runs_gap`, `kdprobe.capacity_gap` or
        `kdprobe.theory.advise` gave.
    path
        File to write. The runs go to ``runs.csv`` beside ``report.html``, and to ``NAME.runs.csv`` beside ``NAME.html``, so that two
        reports in one folder keep their own.

    Returns
    -------
    pathlib.Path
        The page's path.

    Raises
    ------
    PlanError
        If `path` is a folder or its folder is missing.
    DataError
        If there is no zoo, it holds no student, or a file cannot be written.

    Examples
    --------
    >>> report("sweep-gap", "reports/gap.html")  # doctest: +SKIP
    PosixPath('reports/gap.html')
    """
    from kdprobe.compare.comparison import Comparison
    from kdprobe.report.page import write_report
    from kdprobe.theory.advisor import Advice
    from kdprobe.verdicts.capacity_gap import GapVerdict
    from kdprobe.verdicts.own_gap import RunsGap
    from kdprobe.zoo import Zoo

    if isinstance(zoo, Comparison):
        from kdprobe.report.one_pair import write_comparison

        return write_comparison(zoo, Path(path))
    if isinstance(zoo, RunsGap | GapVerdict):
        from kdprobe.report.own_gap import write_gap

        return write_gap(zoo, Path(path))
    if isinstance(zoo, Advice):
        from kdprobe.report.advice import write_advice

        return write_advice(zoo, Path(path))
    if isinstance(zoo, str | Path):
        with Zoo(zoo) as opened:
            return write_report(opened, Path(path))
    return write_report(zoo, Path(path))


def report_with_verdicts(zoo: Zoo, path: str | Path) -> tuple[Path, list[str], list[str]]:
    """Write the report of a zoo as `report` does; give the verdicts of its first screen, and what they come to. Sections are drawn once.

    Raises
    ------
    PlanError, DataError
        As `report` does.
    """
    from kdprobe.report.evidence.frames import Evidence
    from kdprobe.report.page import write_report

    evidence = Evidence(zoo)
    return write_report(evidence, Path(path)), verdict_lines(evidence), answer_lines(evidence)


def answer_lines(zoo: Zoo | Evidence) -> list[str]:
    """Give what a report's verdicts come to as plain text: a line a student, below it whether what arrived is its teacher's own, and the
    command that would change the answer.

    Parameters
    ----------
    zoo
        A `kdprobe.Zoo`, or what a report read of one.

    Returns
    -------
    list of str
        "headline: answer", then "  its teacher's own knowledge? ..." where that was asked, and "  would change it: ..." with the command,
        where there is one.

    Raises
    ------
    DataError
        If the zoo holds no student.
    """
    told = [card for card in _cards(zoo) if card.answer]
    return [line for card in told for line in filter(None, (
        f"{card.headline}: {card.answer}",
        f"  its teacher's own knowledge? {card.own}" if card.own else "",
        f"  {card.next}" if card.next else "",
    ))]  # fmt: skip


def verdict_lines(zoo: Zoo | Evidence) -> list[str]:
    """Give the verdicts of a report's first screen as plain text, one a line.

    Parameters
    ----------
    zoo
        A `kdprobe.Zoo`, or what a report read of one.

    Returns
    -------
    list of str
        "headline · scope: VERDICT: claim. Sentences with intervals", in the order of the page.

    Raises
    ------
    DataError
        If the zoo holds no student.
    """
    return [f"{card.headline} · {finding}" for card in _cards(zoo) for finding in card.findings]


def _cards(zoo: Zoo | Evidence) -> list[Card]:
    from kdprobe.report.page import drawn_sections, merged_cards

    return merged_cards([card for _, content in drawn_sections(zoo) for card in content.cards])
