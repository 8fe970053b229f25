"""Figures with colours of their own, as files to be printed: what the page's style gives on a page, here is in the figure."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Canvas

from kdprobe.core.pages import MARK

_FONTS: Any = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "kdprobe"}
"""Text stays text: journals ask for it, and it can be edited."""


@dataclass(frozen=True, kw_only=True)
class Printed:
    """One figure as files."""

    prefix: str
    title: str
    svg: bytes
    pdf: bytes


_kept: ContextVar[list[Printed] | None] = ContextVar("kept", default=None)


@contextmanager
def on_paper() -> Iterator[list[Printed]]:
    """Keep every figure that is drawn meanwhile."""
    kept: list[Printed] = []
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)


def keep(canvas: Canvas, *, prefix: str, title: str, colours: Mapping[str, str]) -> None:
    """Keep a figure where that was asked for; its colours are changed for good, so it comes after all other use of it.

    Parameters
    ----------
    colours
        What it was drawn with -> what is printed.
    """
    kept = _kept.get()
    if kept is None:
        return
    for artist in canvas.findobj():
        _paint(artist, colours)
    with mpl.rc_context(_FONTS):
        svg, pdf = io.BytesIO(), io.BytesIO()
        canvas.savefig(svg, format="svg", metadata={"Date": None, "Creator": MARK, "Title": title})
        canvas.savefig(pdf, format="pdf", metadata={"CreationDate": None, "Creator": MARK, "Title": title})
    kept.append(Printed(prefix=prefix, title=title, svg=svg.getvalue(), pdf=pdf.getvalue()))


def _paint(artist: Artist, colours: Mapping[str, str]) -> None:
    for name in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
        get: Any = getattr(artist, f"get_{name}", None)
        put: Any = getattr(artist, f"set_{name}", None)
        if get is None or put is None or (name == "color" and hasattr(artist, "get_facecolor")):
            continue
        found = get()
        if isinstance(found, str):
            known = colours.get(found)
        else:
            # collections have a colour for each of their parts, here all the same
            rows = found if getattr(found, "ndim", 1) == 2 else [found]
            known = colours.get(to_hex(rows[0])) if len(rows) else None
        if known is not None:
            put(known)
