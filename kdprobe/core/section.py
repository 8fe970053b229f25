"""The contract of a report section."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kdprobe.core.errors import ContractError

VERDICTS = ("SUPPORTED", "CONTRADICTED", "INCONCLUSIVE", "NOT APPLICABLE")
Verdict = Literal["SUPPORTED", "CONTRADICTED", "INCONCLUSIVE", "NOT APPLICABLE"]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One verdict on the first screen.

    Parameters
    ----------
    headline
        What it is about, such as "letters · student mlp-8 (0.6 k parameters)".
    verdict, claim
        One of the four words, and the claim it is said of.
    sentences
        The answer in plain words, each number with its interval.
    change_our_mind
        What evidence would overturn it.
    """

    headline: str
    verdict: Verdict
    claim: str
    sentences: tuple[str, ...]
    change_our_mind: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ContractError(f"verdict {self.verdict!r} is not one of {', '.join(VERDICTS)}")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One SVG.

    Parameters
    ----------
    svg
        As given by the theme's ``to_svg``: the only markup that a page does not escape.
    title, description
        For people who cannot see it: what it shows and what is to be read off it.
    """

    svg: str
    title: str
    description: str
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: key in the rows, heading, and how its cells are shown."""

    key: str
    title: str
    shown: Literal["text", "number", "interval", "strip", "flag"] = "text"
    explains: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of plain values. A cell is text, a number, (value, low, high) for an interval, or a list of numbers for a strip of seeds."""

    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    caption: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a section puts on the page."""

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
    order
        Place on the page; equal orders are sorted by name.
    draw
        zoo -> Content, or None where the zoo holds nothing for it.
    """

    name: str
    question: str
    draw: Callable[[Any], Content | None]
    order: int = 50
    needs: tuple[str, ...] = field(default=())
