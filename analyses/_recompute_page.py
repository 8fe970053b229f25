"""A report's tables as text, and numbers of it compared with others to the digits that it prints. Nothing of kdprobe is used."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import numpy as np

INTERVAL = re.compile(r"([−\d.]+)[^\[\]]*\[([−\d.]+), ([−\d.]+)\]")


class Page(HTMLParser):
    """Tables of a page: caption, and rows of (text, what a cell of the first screen is of)."""

    def __init__(self, text: str):
        super().__init__()
        self.tables: list[tuple[str, list[list[tuple[str, str]]]]] = []
        self._text: str | None = None
        self._of = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a text; a cell or a row also ends where the next one begins."""
        if tag in ("td", "th", "tr", "tbody"):
            self._end_cell()
        if tag == "table":
            self.tables.append(("", []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th", "caption"):
            self._text, self._of = "", dict(attrs).get("data-of") or ""

    def handle_endtag(self, tag: str) -> None:
        """End a text."""
        if tag == "caption":
            self.tables[-1] = (self._text or "", self.tables[-1][1])
            self._text = None
        elif tag in ("td", "th", "tr", "thead", "tbody", "table"):
            self._end_cell()

    def _end_cell(self) -> None:
        if self._text is not None:
            self.tables[-1][1][-1].append((self._text.strip(), self._of))
        self._text = None

    def handle_data(self, data: str) -> None:
        """Add to a text."""
        self._text = None if self._text is None else self._text + data

    def rows(self, caption: str) -> Iterator[dict[str, str]]:
        """Rows by title of the column, of all tables whose caption matches."""
        for found, rows in self.tables:
            if re.fullmatch(caption, found):
                titles = [text for text, _ in rows[0]]
                yield from ({"caption": found} | dict(zip(titles, (text for text, _ in row), strict=True)) for row in rows[1:])

    def first_screen(self) -> Iterator[tuple[str, str, str]]:
        """Headline, what of, and text of each cell of the table of all verdicts, wherever the page has it."""
        for row in next((rows for _, rows in self.tables if any(of for row in rows for _, of in row)), ()):
            yield from ((row[0][0], of, text) for text, of in row[1:] if of and text)


class Ledger:
    """What was compared."""

    def __init__(self, *, every: bool):
        self.every, self.agree, self.differ, self.left = every, 0, 0, 0

    def text(self, where: str, shown: str, found: str) -> None:
        """Compare words."""
        same = shown == found
        self.agree, self.differ = self.agree + same, self.differ + (not same)
        if self.every or not same:
            print(f"{'agrees ' if same else 'DIFFERS'} {where}: page {shown}, runs {found}")

    def numbers(self, where: str, shown: str, found: tuple[float, ...]) -> None:
        """Compare an interval, or a number, to the digits that are shown."""
        match = INTERVAL.search(shown) if len(found) == 3 else re.search(r"([−\d.]+(?:e[−-]?\d+)?)", shown)
        if match is None or not np.isfinite(found).all():
            self.left += 1
            return
        ends = [text.replace("−", "-") for text in match.groups()]
        # half of the last digit, and what adding up in another order changes
        near = [abs(float(text) - value) <= 0.5001 * unit(text) + 1e-9 for text, value in zip(ends, found, strict=True)]
        told = ", ".join(f"{value:.6g}" for value in found)
        self.text(where, match[0] if not all(near) else told, told)


def unit(text: str) -> float:
    """The last digit of a number as it is written."""
    mantissa, _, exponent = text.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def significant(text: str) -> str:
    """A number of four significant digits with its trailing zeros, which a page leaves out."""
    match = re.fullmatch(r"(0\.0*)([1-9]\d{0,3})", text)
    return text if match is None else match[1] + match[2].ljust(4, "0")


def span(names: list[str], places: list[int]) -> str:
    """Names of sizes as a page writes them."""
    chosen = [names[place] for place in places]
    if len(places) > 2 and places == list(range(places[0], places[-1] + 1)):
        return f"{chosen[0]} to {chosen[-1]}"
    return chosen[0] if len(chosen) == 1 else f"{', '.join(chosen[:-1])} and {chosen[-1]}"
