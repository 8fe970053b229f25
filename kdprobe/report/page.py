"""One HTML file from the sections of a report."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import jinja2
import pandas as pd

from kdprobe.core.errors import ContractError, DataError, PlanError
from kdprobe.core.files import special, write_atomically
from kdprobe.core.pages import is_page, is_runs, sealed
from kdprobe.core.registry import available
from kdprobe.core.section import PARTS, VERDICTS, Card, Column, Content, Finding, Section, Table
from kdprobe.core.words import said, unformulated
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.lede import details, lede
from kdprobe.report.terms import Terms
from kdprobe.report.theme.strip import strip
from kdprobe.sweep.plans import asked, kind

_THEME = jinja2.PackageLoader("kdprobe.report", "theme")


def write_report(zoo: Any, path: Path) -> Path:
    """Write a zoo's page to `path` and its runs as CSV beside it; see `kdprobe.report`."""
    check_target(path, runs_path(path) if path.name else None)  # the folder one is in has no name
    evidence = zoo if isinstance(zoo, Evidence) else Evidence(zoo)
    runs = runs_path(path)
    page = render(evidence, runs=runs.name)
    # the page links to the table, so the table is there first
    table = runs_table(evidence.runs())
    write_atomically(runs, table)
    write_atomically(path, sealed(page, runs=table, name=runs.name))
    return path


def runs_table(frame: Any) -> bytes:
    """The table as bytes, with no text in it that a spreadsheet would run; numbers are untouched."""
    safe = frame.rename(columns=unformulated)
    for name in safe.columns[[not pd.api.types.is_numeric_dtype(held) for held in safe.dtypes]]:
        safe[name] = safe[name].map(unformulated)
    return safe.to_csv(index=False, lineterminator="\n").encode()


def check_target(path: Path, runs: Path | None = None) -> Path:
    """Return the path, or raise PlanError where no page, or no runs beside it, can be written: only what kdprobe wrote is replaced."""
    beside = [] if runs is None else [(runs, is_runs, "table of runs")]
    return check_files(path, [(path, is_page, "page"), *beside])


def check_files(path: Path, files: Sequence[tuple[Path, Callable[[Path], bool], str]]) -> Path:
    """Return the path that was asked for, or raise PlanError where one of the files to write is a stranger's.

    Parameters
    ----------
    files
        Each with what knows kdprobe's own, and what that is called.
    """
    if path.is_dir():
        raise PlanError(f"path={str(path)!r} is a folder: name the file to write, such as {path / 'report.html'}")
    if not path.parent.is_dir():
        raise PlanError(f"path={str(path)!r}: its folder does not exist: make it first, or name one that does")
    for file, own, what in files:
        if file.exists() or file.is_symlink():
            if kind := special(file):
                raise PlanError(f"path={str(file)!r} is {kind}: name a regular file, or one that is not there")
            if not own(file):
                raise PlanError(f"path={str(file)!r} is no {what} that kdprobe wrote, and would be lost: name another file, or remove it")
    return path


def runs_path(path: Path) -> Path:
    """Where a page's runs go.

    Examples
    --------
    >>> runs_path(Path("out/report.html")).as_posix(), runs_path(Path("reports/gap.html")).as_posix()
    ('out/runs.csv', 'reports/gap.runs.csv')
    """
    return path.with_name("runs.csv" if path.stem == "report" else f"{path.stem}.runs.csv")


def drawn_sections(zoo: Any) -> list[tuple[Section, Content]]:
    """Draw every registered section that has something to say of a zoo, in the order of the page; once for each evidence.

    Raises
    ------
    DataError
        If the zoo holds no student.
    """
    return (zoo if isinstance(zoo, Evidence) else Evidence(zoo)).derived("drawn", _drawn_of)


def _drawn_of(evidence: Evidence) -> list[tuple[Section, Content]]:
    if evidence.students.empty:
        raise DataError("the zoo holds no student, so there is nothing to report: run the sweep to its end first")
    sections = sorted(available("sections").values(), key=lambda s: (PARTS.index(s.part), s.order, s.name))
    drawn = []
    for section in sections:
        content = _drawn(section, evidence) if not section.plans or evidence.asks in section.plans else None
        if content is not None:
            drawn.append((section, content))
            evidence.cards.extend(content.cards)
    return drawn


def _drawn(section: Section, evidence: Evidence) -> Content | None:
    try:
        return section.draw(evidence)
    except (DataError, PlanError):
        raise
    except Exception as error:
        text = f"section {section.name!r} broke ({type(error).__name__}: {said(error)}): mend it or uninstall what brings it"
        raise ContractError(f"{text}; the zoo is whole, and `kdprobe report` makes its page") from error


def render(evidence: Evidence, *, runs: str) -> str:
    """Return the page of a zoo; `runs` is the name of the CSV file beside it."""
    drawn = [(section.name, section.question, content) for section, content in drawn_sections(evidence)]
    return compose(heading(evidence), lede(evidence), drawn, runs=runs, details=details(evidence))


def heading(evidence: Evidence) -> str:
    """What a page asks: a zoo may be of a question that is not installed here, and its tables are worth reading all the same."""
    asks = evidence.asks
    if asks not in asked():
        return f"What did the sweep --{asks} find?"
    # of gains alone, what arrived of a teacher was not asked
    alone = (evidence.measurements()["comparison"] == "panel").all()
    return (kind(asks).heading_of_gains if alone else "") or kind(asks).heading


def compose(
    question: str, lede: str, drawn: Sequence[tuple[str, str, Content]], *, runs: str = "", details: Sequence[str] = ()
) -> str:  # fmt: skip
    """Return a page.

    Parameters
    ----------
    question, lede
        Its heading, and what was done, in a sentence or two.
    drawn
        Name, question and content of each section, in order.
    runs
        Name of the CSV file beside the page, where there is one.
    details
        More of what was done, in paragraphs, for a fold.
    """
    from kdprobe import __version__

    cards = merged_cards([card for _, _, content in drawn for card in content.cards])
    claims: dict[str, list[str]] = {}
    for finding in (finding for card in cards for finding in card.findings):
        if finding.scope not in claims.setdefault(finding.claim, []):
            claims[finding.claim].append(finding.scope)
    environment = jinja2.Environment(
        loader=_THEME, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    terms = Terms()
    environment.filters |= {
        "terms": terms,
        "interval": lambda found: words.interval(*found[:3]),
        "plain": words.plain,
        "strip": strip,
        "at": lambda findings, claim, scope: next((f for f in findings if (f.claim, f.scope) == (claim, scope)), None),
        "tally": tally,
        "mean": lambda values: f"{fmean(values):.5g}" if values else "",
        "scale": strip_scale,
    }
    style, script = (_source(name) for name in ("page.css", "page.js"))
    return environment.get_template("page.html.jinja").render(
        title=question,
        question=question,
        lede=lede,
        details=details,
        terms=terms,
        cards=cards,
        claims=claims,
        measures={finding.claim: finding.measures for card in cards for finding in card.findings},
        sections=[
            {"name": name, "question": question, "content": content}
            for name, question, content in drawn
            if content.words or content.figures or content.tables
        ],
        runs=runs,
        version=__version__,
        **{"style": style, "style_hash": _hash(style), "script": script, "script_hash": _hash(script)},
    )


def merged_cards(cards: Sequence[Card]) -> list[Card]:
    """Make one card of those with one headline: sections speak of the same students."""
    merged: dict[str, Card] = {}
    for card in cards:
        before = merged.setdefault(card.headline, card)
        if before is not card:
            said = {name: getattr(before, name) or getattr(card, name) for name in ("figure", "answer", "own", "next", "scores")}
            merged[card.headline] = replace(before, findings=(*before.findings, *card.findings), **said)
    return list(merged.values())


def tally(findings: Sequence[Finding]) -> str:
    """Count findings by verdict, in the order of the words.

    Examples
    --------
    >>> made = [Finding(claim="c", scope="s", verdict=word, sentences=()) for word in ("INCONCLUSIVE", "SUPPORTED", "INCONCLUSIVE")]
    >>> tally(made)
    '1 SUPPORTED, 2 INCONCLUSIVE'
    """
    counts = {word: sum(finding.verdict == word for finding in findings) for word in VERDICTS}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def strip_scale(table: Table, column: Column) -> tuple[float, float]:
    """Return the ends of the common scale of a column of strips."""
    values = [value for row in table.rows for value in row.get(column.key) or ()] if column.shown == "strip" else []
    return (min(values), max(values)) if values else (0.0, 1.0)


def _source(name: str) -> str:
    """A file of the theme without its comments and margins, which no reader of a page needs."""
    lines = (line.strip() for line in _THEME.get_source(jinja2.Environment(), name)[0].splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
