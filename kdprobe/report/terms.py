"""Defined where they first stand: words of the field on a page lead to their definitions and show them on hover."""

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from kdprobe.core.glossary import TERMS, Term

# the longer first: "labelled and transfer rows" is no "transfer rows"
_BY_LENGTH = sorted(TERMS, key=lambda term: -len(term.name))
_FOUND = re.compile("|".join(rf"(?P<t{i}>(?<![\w-]){term.pattern}(?![\w-]))" for i, term in enumerate(_BY_LENGTH)), re.IGNORECASE)
_ALWAYS = ("teacher", "T")


class Terms:
    """The words of one page, in the order in which it is written.

    Examples
    --------
    >>> terms = Terms()
    >>> print(terms("A twin, and <b>a twin</b>."))
    A <a class="term" href="#word-twin" title="the student&#39;s own network from the same start, trained on labels as long, with no \
teacher">twin</a>, and &lt;b&gt;a twin&lt;/b&gt;.
    >>> [term.name for term in terms.met]
    ['teacher', 'twin', 'T']
    """

    def __init__(self):
        self._here = set[str]()
        self._met = set[str]()

    def __call__(self, text: str) -> Markup:
        """Return text for a page, each word that has not been met in its part linked to its definition."""
        parts, end = list[Markup](), 0
        for match in _FOUND.finditer(text):
            term = _BY_LENGTH[int(str(match.lastgroup)[1:])]
            if term.name in self._here:
                continue
            # what a reader may hover over says it where it first stands; the others lead to the list
            hover = "" if term.name in self._met else Markup(' title="{}"').format(term.says)
            self._here.add(term.name)
            self._met.add(term.name)
            link = Markup('<a class="term" href="#{}"{}>{}</a>').format(term.place, hover, match.group())
            parts += [escape(text[end : match.start()]), link]
            end = match.end()
        return Markup("").join([*parts, escape(text[end:])])

    def afresh(self) -> str:
        """Begin a part of the page: each word is linked again where it first stands there."""
        self._here.clear()
        return ""

    @property
    def met(self) -> Sequence[Term]:
        """What the page used, to be listed with its definitions; nothing where it used nothing."""
        return [term for term in TERMS if term.name in self._met or (self._met and term.name in _ALWAYS)]
