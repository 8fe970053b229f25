"""The index page: every question with its answer, and what makes it again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kdprobe.core.section import Column, Content, Figure, Table
from kdprobe.report.answers.questions import DIFFER, QUESTIONS, Question, Said
from kdprobe.report.answers.reading import Built, read
from kdprobe.report.answers.taxonomy import taxonomy
from kdprobe.report.page import compose

NUMBER = "[-+−]?[0-9]*[.]?[0-9]+"
_INTERVAL = re.compile(
    rf"{NUMBER}(?: [a-z]+){{0,6}} ?[\[(]{NUMBER},? (?:to )?{NUMBER}[\])]"
    rf"|[0-9]+ %? ?of [0-9]+[^.]*?\(95 % interval[^)]*\)|95 % interval [^)]*%"
)
HEADING = "What is answered of the survey’s questions?"
LINKS = ("taxonomy.html",)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One question with the sentences that answer it, each from its page."""

    question: Question
    says: tuple[Said, ...]

    @property
    def number(self) -> str:
        """The first number with its interval, as its page writes it; "" where the sentences hold none."""
        found = next((match for one in self.says for match in [_INTERVAL.search(one.text)] if match), None)
        return found[0] if found else ""

    @property
    def pages(self) -> tuple[str, ...]:
        """Pages that say it, each once."""
        return tuple(dict.fromkeys(one.page for one in self.says))


class Folder(Mapping[str, Built]):
    """Built pages of a folder by name, each read once."""

    def __init__(self, path: Path):
        self.path = path
        self._read: dict[str, Built] = {}

    def __getitem__(self, name: str) -> Built:
        if name not in self._read:
            self._read[name] = read(self.path / name)
        return self._read[name]

    def __iter__(self):
        return iter(sorted(path.name for path in self.path.glob("*.html")))

    def __len__(self) -> int:
        return len(list(iter(self)))


def answers(folder: Path) -> tuple[Answered, ...]:
    """Every question with its answer, from the pages of a folder.

    Raises
    ------
    DataError
        If a page is missing, or no longer says what a question reads from it.
    """
    pages = Folder(folder)
    return tuple(Answered(question=one, says=one.says(pages)) for one in QUESTIONS)


def index(folder: Path) -> str:
    """The whole page."""
    pages, found = Folder(folder), answers(folder)
    rows = tuple(
        {
            "asks": one.question.asks, "answer": one.says[0].text, "number": one.number, "page": ", ".join(one.pages),
        }
        for one in found
    )  # fmt: skip
    columns = (
        Column(key="asks", title="question"), Column(key="answer", title="answer", shown="prose"),
        Column(key="number", title="first interval", explains="the first number with an interval that the three sentences name"),
        Column(key="page", title="from"),
    )  # fmt: skip
    table = Table(caption="Each question in a sentence", columns=columns, rows=rows)
    sections = [
        ("short", "What are the answers, in short?", Content(tables=(table,), links=((_title("taxonomy.html"), "taxonomy.html"),))),
        *((one.question.name, one.question.asks, _content(one, pages)) for one in found),
        ("differ", "Where do pages differ, and why?", Content(words=DIFFER.words, tables=(_differ(pages),), links=_differing(pages))),
    ]
    lede = (
        f"{len(found)} questions, each answered by sentences of the page that measured it: no number here was typed by hand. What holds of "
        "small networks on small data is no evidence of larger ones: each page says what it is no evidence of."
    )
    return compose(HEADING, lede, sections)


def written(folder: Path) -> Mapping[str, str]:
    """The pages that are made of other pages, by name."""
    return {"index.html": index(folder), "taxonomy.html": taxonomy(folder)}


def linked(folder: Path) -> tuple[str, ...]:
    """Names of all files that the index leads to."""
    found = {page for one in answers(folder) for page in (*one.pages, *one.question.also)} | set(LINKS)
    found |= {row[0] for row in DIFFER.rows}
    return tuple(sorted(name for name in found if (folder / name).exists()))


def _title(name: str) -> str:
    return {"taxonomy.html": "Objective × knowledge × area: every cell with its result"}.get(name, name)


def _content(one: Answered, pages: Folder) -> Content:
    asked = one.question
    more = tuple(name for name in asked.also if (pages.path / name).exists())
    links = tuple((f"{name}: {pages[name].asks}", name) for name in (*one.pages, *more))
    page, part, place = asked.picture
    picture = pages[page].parts[part].pictures[place]
    figure = Figure(svg=_own(picture.svg, asked.name), caption=f"{picture.caption} (from {page})".strip())
    return Content(words=tuple(said.text for said in one.says), figures=(figure,), links=links, commands=asked.again)


def _own(svg: str, name: str) -> str:
    """The figure with ids of its own: figures of several pages stand on one."""
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    for one in sorted(ids, key=len, reverse=True):
        svg = re.sub(rf'(?<=["# (]){re.escape(one)}(?=["\s)])', f"{name}-{one}", svg)
    return svg


def _differing(pages: Folder) -> tuple[tuple[str, str], ...]:
    return tuple((f"{name}: {pages[name].asks}", name) for name, _, _ in DIFFER.rows if (pages.path / name).exists())


def _differ(pages: Folder) -> Table:
    there = [one for one in DIFFER.rows if (pages.path / one[0]).exists()]
    rows = [{"page": page, "setting": setting(pages), "says": says(pages)} for page, setting, says in there]
    columns: Sequence[Column] = (
        Column(key="page", title="page"), Column(key="setting", title="its setting", shown="prose"),
        Column(key="says", title="it says", shown="prose"),
    )  # fmt: skip
    return Table(caption=DIFFER.caption, columns=tuple(columns), rows=tuple(rows))
