"""What is asked, and where its answer stands: each answer is three sentences of pages, and a picture of one of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kdprobe.core.errors import DataError
from kdprobe.report.answers.reading import Built

Pages = Mapping[str, Built]
KINDS = ("response", "intermediate", "relation", "information")
RATIO = "python analyses/optimal_ratio.py --out reports/optimal_ratio.html"
THEORY = "python analyses/regression_theory.py --out reports/regression_theory.html"
TRANSFERRED = "python analyses/knowledge_transferred.py --out reports/knowledge_transferred.html"
FASHION = "kdprobe sweep --knowledge --task fashion_mnist --seeds 8 --alphas 0.3 0.9 --out sweep-fashion"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One sentence, and the page that says it."""

    text: str
    page: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question.

    Parameters
    ----------
    says
        Pages by name -> three sentences, the first of which answers.
    picture
        Page, section and place of a figure.
    again
        Commands that make its pages again.
    also
        Pages that say more of it, linked where they are there.
    """

    name: str
    asks: str
    says: Callable[[Pages], tuple[Said, ...]]
    picture: tuple[str, str, int]
    again: tuple[str, ...]
    also: tuple[str, ...] = ()


def quoted(page: str, part: str, *begins: str) -> Callable[[Pages], tuple[Said, ...]]:
    """Sentences of one section, found by how they begin."""
    return lambda pages: tuple(Said(text=pages[page].sentence(part, one), page=page) for one in begins)


def claimed(pages: Pages, page: str, name: str, words: Mapping[str, str]) -> Said:
    """What a claim's verdict comes to in words; a verdict without words is refused."""
    verdict = pages[page].row("claims", name)["outcome"]
    if verdict not in words:
        raise DataError(f"{page}: {name} is {verdict}, for which its question has no words: add them")
    return Said(text=words[verdict], page=page)


def _ratio(pages: Pages) -> tuple[Said, ...]:
    page = "optimal_ratio.html"
    first = claimed(
        pages, page, "C3",
        {
            "CONTRADICTED": "There is no one best ratio of sizes: it moves with the rows and the recipe.",
            "SUPPORTED": "One ratio of sizes was best in every setting.",
            "INCONCLUSIVE": "Whether one ratio of sizes is best in every setting is not settled.",
        },
    )  # fmt: skip
    return (first, *quoted(page, "advice", "Carry no ratio", "With 8,000 unlabelled rows distil")(pages))


def _objectives(pages: Pages) -> tuple[Said, ...]:
    page = "regression_theory.html"
    first = claimed(
        pages, page, "C1",
        {
            "SUPPORTED": "Of nested least squares an exact law gives the best size under each of the four objectives, and fits keep it.",
            "CONTRADICTED": "The exact law of the four objectives is not kept by fits.",
            "INCONCLUSIVE": "Whether fits keep to the exact law of the four objectives is not settled.",
        },
    )  # fmt: skip
    law = Said(text=_capital(pages[page].row("claims", "C1")["what was found"]), page=page)
    _, _, exact = pages["optimal_ratio.html"].row("claims", "C3")["what was found"].partition("In the law")
    return first, law, Said(text=f"In the law{exact}", page="optimal_ratio.html")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _kinds(pages: Pages) -> tuple[Said, ...]:
    page = "knowledge.html"
    cards = [(where, name, text) for where in (page, "knowledge_fashion.html") for name, text in pages[where].cards.items()]
    named = [next((kind for kind in KINDS if f"({kind} knowledge" in text), "") if text.startswith("Teach") else "" for *_, text in cards]
    helped = [kind for kind in dict.fromkeys(named) if kind]
    if len(helped) != 1 or len(pages[page].cards) != 2:
        raise DataError(f"{page}: the kinds that help are {helped}, for which its question has no words: add them")
    open_ = f", and nothing is settled on the other{'s' if named.count('') > 1 else ''}" if "" in named else ""
    told = f"{_capital(helped[0])} knowledge is what helps, on {named.count(helped[0])} of {len(cards)} students{open_}."
    return Said(text=told, page=page), *(Said(text=f"{name}: {text}", page=where) for where, name, text in cards if where == page)


def _amount(pages: Pages) -> tuple[Said, ...]:
    found = quoted("knowledge_transferred.html", "answer", "A teacher-specific part", "All unlabelled rows bring", "As for quality")(pages)
    return found


def _metrics(pages: Pages) -> tuple[Said, ...]:
    page = "knowledge_transferred.html"
    row = pages[page].row("claims", "C9")
    ninth = Said(text=f"That {row['says']} is {row['outcome'].lower()}: {row['what was found']}", page=page)
    return (*quoted(page, "answer", "No likeness passes", "Likeness is no measure")(pages), ninth)


def _regression(pages: Pages) -> tuple[Said, ...]:
    page = "regression_theory.html"
    first, second = quoted(page, "adds", "So on labelled rows a distilled regressor", "At a noise of 0 on")(pages)
    return (
        Said(text=_capital(first.text.removeprefix("So ")), page=page),
        second,
        *quoted(page, "advice", "Believe the advisor's sign")(pages),
    )


def _first(pages: Pages) -> tuple[Said, ...]:
    found = quoted("first_experiments.md", "above", "Logits on the teacher's", "Hints of a middle layer", "Three teachers are")(pages)
    return found


def _trade_offs(pages: Pages) -> tuple[Said, ...]:
    found = quoted(
        "trade_offs.md",
        "above",
        "With labels and unlabelled rows in every",
        "With unlabelled rows beside the labels",
        "On unlabelled rows response",
    )
    return found(pages)


def _published(pages: Pages) -> tuple[Said, ...]:
    begins = ("Of 5 published claims", "That under a much larger teacher", "That a large teacher that is stopped early")
    return quoted("published_claims.html", "answer", *begins)(pages)


def _breaks(pages: Pages) -> tuple[Said, ...]:
    found = quoted("break_conditions.html", "answer", "M1,", "M2,", "M3,")(pages)
    return found


QUESTIONS = (
    Question(
        name="ratio", asks="What is the best size of the teacher, over the student’s?", says=_ratio,
        picture=("optimal_ratio.html", "curves", 0), again=(RATIO, "make sweep"),
        also=("gap.html",),
    ),
    Question(
        name="objectives", asks="And for each objective: compression, expansion, adaptation, enhancement?", says=_objectives,
        picture=("regression_theory.html", "phase", 0), again=(THEORY,),
        also=("objectives.html",),
    ),
    Question(
        name="amount", asks="How much knowledge is transferred, and how good is it?", says=_amount,
        picture=("knowledge_transferred.html", "answer", 0),
        again=(TRANSFERRED, "kdprobe sweep --transfer"),
    ),
    Question(
        name="metrics", asks="Which metric of transfer can be believed?", says=_metrics,
        picture=("knowledge_transferred.html", "answer", 1),
        again=(TRANSFERRED,),
    ),
    Question(
        name="kinds", asks="Which kind of knowledge helps: answers, layers, relations or information?", says=_kinds,
        picture=("knowledge.html", "verdicts", 0),
        again=("kdprobe sweep --knowledge", FASHION), also=("knowledge_fashion.html",),
    ),
    Question(
        name="first", asks="What do logits, hidden layers and several teachers teach a small convolutional student?", says=_first,
        picture=("knowledge_fashion.html", "verdicts", 0),
        again=("python analyses/first_experiments.py --zoo zoos --out reports/first_experiments.md",),
    ),
    Question(
        name="trade-offs", asks="Which temperature, which weight of the teacher, which kind of loss?", says=_trade_offs,
        picture=("transfer.html", "verdicts", 0), again=("python analyses/trade_offs.py --zoo zoos --out reports/trade_offs.md",),
    ),
    Question(
        name="published", asks="Do published claims on distillation hold here?", says=_published,
        picture=("published_claims.html", "answer", 0), again=("python analyses/published_claims.py --out reports/published_claims.html",),
    ),
    Question(
        name="breaks", asks="Where do the survey’s three mechanisms break?", says=_breaks, picture=("break_conditions.html", "answer", 0),
        again=("python analyses/break_conditions.py --out reports/break_conditions.html",),
    ),
    Question(
        name="regression", asks="What explains distillation of a regression?", says=_regression,
        picture=("regression_theory.html", "agreement", 0), again=(THEORY,),
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Differ:
    """What several pages measure under settings that differ: page, its setting and what it says, all read from it."""

    words: tuple[str, ...]
    caption: str
    rows: tuple[tuple[str, Callable[[Pages], str], Callable[[Pages], str]], ...]


def _card(page: str, begins: str) -> Callable[[Pages], tuple[str, str]]:
    def found(pages: Pages) -> tuple[str, str]:
        for name, text in pages[page].cards.items():
            if name.startswith(begins):
                return name, text
        raise DataError(f"{page} has no answer for {begins!r}: mend the question that reads it")

    return found


DIFFER = Differ(
    words=(
        "One question has other numbers on other pages where the setting is another one: the student’s size, the rows, the steps, α. What "
        "such pages have in common is measured anew on each, and none is an error of another.",
    ),
    caption="What teaching on unlabelled rows gains on letters, page by page",
    rows=(
        (
            "optimal_ratio.html", lambda pages: pages["optimal_ratio.html"].sentence("advice", "On letters' own rows, calibrated,"),
            lambda pages: pages["optimal_ratio.html"].sentence("advice", "With 8,000 unlabelled rows distil"),
        ),
        ("knowledge.html", lambda pages: _card("knowledge.html", "letters")(pages)[0],
         lambda pages: _card("knowledge.html", "letters")(pages)[1]),
        ("transfer.html", lambda pages: _card("transfer.html", "letters")(pages)[0],
         lambda pages: _card("transfer.html", "letters")(pages)[1]),
        (
            "knowledge_transferred.html",
            lambda pages: " ".join(
                pages["knowledge_transferred.html"].sentence("limits", one) for one in ("Of other families, sizes", "Letters has 1,200")
            ),
            lambda pages: f"gain {pages['knowledge_transferred.html'].row('sets', 'letters, classification')['gain']} nats, over its twin",
        ),
        ("trade_offs.md", lambda pages: pages["trade_offs.md"].sentence("above", "Perceptrons with 16 hidden"),
         lambda pages: pages["trade_offs.md"].sentence("above", "On unlabelled rows alone T = 1")),
    ),
)  # fmt: skip
"""Pages that speak of one thing."""
