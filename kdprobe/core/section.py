"""The contract of a report section."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kdprobe.core.errors import ContractError

VERDICTS = ("SUPPORTED", "CONTRADICTED", "INCONCLUSIVE", "NOT APPLICABLE")
Verdict = Literal["SUPPORTED", "CONTRADICTED", "INCONCLUSIVE", "NOT APPLICABLE"]
Part = Literal["verdict", "evidence", "change our mind", "every run", "provenance"]
PARTS: tuple[Part, ...] = ("verdict", "evidence", "change our mind", "every run", "provenance")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One SVG.

    Parameters
    ----------
    svg
        As given by the theme's ``to_svg``: the only markup that a page does not escape.
    caption
        What a reader must know beside it, shown under it.
    """

    svg: str
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One verdict.

    Parameters
    ----------
    claim
        What the verdict is said of, the same for all findings of its kind: "capacity gap".
    scope
        Where it holds, such as a regime: "same rows".
    qualifier
        What narrows the word: "best at the smallest size of the grid".
    measures, number
        What the one number behind it is, the same for all findings of its kind, and that number with its interval: "what the largest
        teacher costs" and "0.16 nats [0.14, 0.18]".
    sentences
        The answer in plain words, each number with its interval.
    change_our_mind
        What evidence would overturn it.

    Raises
    ------
    ContractError
        If the verdict is not one of the four words.
    """

    claim: str
    scope: str
    verdict: Verdict
    qualifier: str = ""
    measures: str = ""
    number: str = ""
    sentences: tuple[str, ...]
    change_our_mind: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ContractError(f"verdict {self.verdict!r} of {self.claim!r} is not one of {', '.join(VERDICTS)}")

    def __str__(self) -> str:
        qualifier = f" ({self.qualifier})" if self.qualifier else ""
        return f"{self.scope}: {self.verdict}{qualifier}: {self.claim}. {' '.join(self.sentences)}"


@dataclass(frozen=True, kw_only=True)
class Next:
    """What to run next.

    Parameters
    ----------
    why
        What of it would change the answer: "10 seeds, enough for a verdict".
    command
        To be copied as it is.
    cost
        What it would cost: "about 40 networks, 30 s".
    """

    why: str
    command: str
    cost: str = ""

    def __str__(self) -> str:
        return f"would change it: {self.why}{f' ({self.cost})' if self.cost else ''}:\n    {self.command}"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the first screen says of one thing: a headline, its findings, at most one small figure.

    Parameters
    ----------
    headline
        What it is about, such as "letters · student mlp-8 (0.6 k parameters)". Cards of several sections with one headline are shown as
        one card.
    title
        What its figure and scores show, where the headline has its answer above and says nothing of them.
    answer
        What its findings come to, in one sentence: what to do, and what it gives.
    own
        Whether what reached the student is its own teacher's knowledge, in one sentence.
    next
        What would change that answer.
    scores
        How good the models are that it speaks of, one row each.
    """

    headline: str
    findings: tuple[Finding, ...]
    figure: Figure | None = None
    answer: str = ""
    own: str = ""
    next: Next | None = None
    scores: "Table | None" = None
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    key
        Of the cell in a row; None there is an empty cell.
    shown
        "text", "prose" (longer, wraps), "number", "interval", "strip" (one tick a seed, all rows on one scale) or "flag" (text that calls
        for attention).
    explains
        What the heading leaves open, unit included; shown under the table.
    """

    key: str
    title: str
    shown: Literal["text", "prose", "number", "interval", "strip", "flag"] = "text"
    explains: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of plain values.

    A cell is text, a number, (value, low, high) or (value, low, high, note) for an interval, or a list of numbers for a strip of seeds.
    """

    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    caption: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a section puts on the page: its cards on the first screen, the rest under its heading."""

    cards: tuple[Card, ...] = ()
    words: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a report.

    Parameters
    ----------
    question
        What it answers, in plain words: its heading.
    draw
        zoo -> Content, or None where the zoo holds nothing for it. It gets the frames of `kdprobe.zoo.Zoo` by the same methods, each
        read once for the whole page (`kdprobe.report.evidence.frames.Evidence`): treat them as read-only.
    part
        Where it stands: a page goes from the verdicts to the evidence, to what would change our mind, to every run, to provenance.
    order
        Place within its part; equal orders are sorted by name.
    plans
        What a sweep must have asked ("gap", "knowledge", ...) for it to have a place on the page; empty: whatever was asked.

    Raises
    ------
    ContractError
        If there is no such part.
    """

    name: str
    question: str
    draw: Callable[[Any], Content | None]
    part: Part = "evidence"
    order: int = 50
    plans: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ContractError(f"section {self.name!r} has part {self.part!r}: use one of {', '.join(PARTS)}")
