"""Built pages, read back: their words, tables and figures by section."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kdprobe.core.errors import DataError
from kdprobe.core.files import read_regular

_SECTION = re.compile(r'<h2 id="([\w-]+)-heading">(.*?)</h2>', re.S)
_WORDS = re.compile(r'<div class="words">(.*?)</div>', re.S)
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.S)
_FIGURE = re.compile(r"<figure>(<svg.*?</svg>)(?:<figcaption>(.*?)</figcaption>)?", re.S)
_TABLE = re.compile(r"<table.*?</table>", re.S)
_ROW = re.compile(r"<tr[^>]*>(.*?)(?=<tr|</tbody|</thead|</table)", re.S)
_CELL = re.compile(r"<t[hd][ >].*?(?=<t[hd][ >]|</tr|$)", re.S)
_CARD = re.compile(r'<div><dt>(.*?)</dt>\s*<dd>(.*?)</dd>(?:\s*<dd class="own">(.*?)</dd>)?', re.S)
_TAG = re.compile(r"<[^>]*>")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure of a page."""

    svg: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """One section of a page: its sentences, tables (rows of text by column title), and figures."""

    sentences: tuple[str, ...]
    tables: tuple[tuple[Mapping[str, str], ...], ...]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class Built:
    """A built page.

    Parameters
    ----------
    name
        Of its file.
    asks
        Its heading.
    says
        All its text, without tags, spaces evened out.
    cards
        Headline -> what the first screen answers of it.
    parts
        Its sections by name.
    """

    name: str
    asks: str
    says: str
    cards: Mapping[str, str]
    parts: Mapping[str, Part]

    def sentence(self, part: str, begins: str) -> str:
        """The sentence of a section that begins so.

        Raises
        ------
        DataError
            If no sentence does, or several do.
        """
        told = self.parts[part].sentences if part in self.parts else ()
        found = [one for one in told if one.startswith(begins)]
        if len(found) != 1:
            raise DataError(
                f"{self.name} has {len(found)} sentences in {part!r} that begin with {begins!r}: mend the question that reads it"
            )
        return found[0]

    def row(self, part: str, name: str) -> Mapping[str, str]:
        """The row of a section's tables whose first cell is this, by column title; DataError where there is none."""
        for table in self.parts[part].tables if part in self.parts else ():
            for row in table:
                if next(iter(row.values()), None) == name:
                    return row
        raise DataError(f"{self.name} has no row {name!r} in {part!r}: mend the question that reads it")


def read(path: Path) -> Built:
    """Read a page that kdprobe built, or a table in Markdown.

    Raises
    ------
    DataError
        If the file is missing.
    """
    try:
        text = read_regular(path).decode("utf-8")
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}): build it first, reports/README.md says how") from error
    if path.suffix == ".md":
        return _markdown(path.name, text)
    text = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.S)
    heads = list(_SECTION.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    parts = {head[1]: _part(text[head.end() : end]) for head, end in zip(heads, ends, strict=True)}
    title = re.search(r"<h1>(.*?)</h1>", text, re.S)
    cards = re.search(r'<dl class="answers">(.*?)</dl>', text, re.S)
    told = {plain(name): plain(answer) for name, answer, _ in _CARD.findall(cards[1])} if cards else {}
    return Built(name=path.name, asks=plain(title[1]) if title else path.stem, says=plain(text), cards=told, parts=parts)


def _part(text: str) -> Part:
    words = [plain(one) for block in _WORDS.findall(text) for one in _PARAGRAPH.findall(block)]
    pictures = tuple(Picture(svg=svg, caption=plain(caption)) for svg, caption in _FIGURE.findall(text))
    tables = tuple(_rows(table) for table in _TABLE.findall(text))
    return Part(sentences=tuple(one for word in words for one in sentences(word)), tables=tables, pictures=pictures)


def _rows(table: str) -> tuple[Mapping[str, str], ...]:
    head, *rows = [[plain(cell) for cell in _CELL.findall(row)] for row in _ROW.findall(table)]
    return tuple(dict(zip(head, row, strict=False)) for row in rows)


def _markdown(name: str, text: str) -> Built:
    """Paragraphs and points of what stands above the first table's heading."""
    above = text.partition("\n## ")[0].replace("**", "").replace("`", "")
    above = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", above).replace("*", "")
    blocks = re.split(r"\n\s*\n|\n\s*(?=  )|\n(?=\s?\w+[^\n]*:\s*$)", re.sub(r"\n {2,}", " ", above))
    told = tuple(one for block in blocks for line in _points(block) for one in sentences(" ".join(line.split())))
    part = Part(sentences=told, tables=(), pictures=())
    return Built(name=name, asks=above.partition("\n")[0].lstrip("# "), says=" ".join(above.split()), cards={}, parts={"above": part})


def _points(block: str) -> list[str]:
    # a point is a line that was "* ...": without stars it begins with a space
    return re.split(r"\n(?= )", block)


def plain(markup: str) -> str:
    """Text of markup: no tags, spaces evened out."""
    return " ".join(html.unescape(_TAG.sub("", markup)).split())


def sentences(text: str) -> list[str]:
    """Split a paragraph.

    Examples
    --------
    >>> sentences("It gains 0.047 nats [0.034, 0.060]. With T=1 no more! In e.g. this.")
    ['It gains 0.047 nats [0.034, 0.060].', 'With T=1 no more!', 'In e.g. this.']
    """
    return [one.strip() for one in _SENTENCE.split(text) if one.strip()]
