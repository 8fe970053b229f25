"""Matplotlib figures as small, themed, accessible SVG: text stays text, colours are the page's, the same figure gives the same bytes."""

import html
import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, pairwise

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from kdprobe.report.theme.paper import keep

# Each role has a colour that nothing else has; `to_svg` replaces it by a variable of the page's style, so that figures follow the
# reader's light or dark theme.
ROLES = ("ink", "muted", "grid", "one", "two", "three", "four", "paper")
COLOURS = {role: f"#0{i}0{i}0{i}" for i, role in enumerate(ROLES, start=1)}
_VARIABLES = {colour: f"var(--{role})" for role, colour in COLOURS.items()}
PRINTED = {
    "ink": "#1b1d21", "muted": "#565c66", "grid": "#e4e7ec", "one": "#0060a8", "two": "#b04400", "three": "#00694b", "four": "#8a3a76",
    "paper": "#ffffff",
}  # fmt: skip
"""Colours of a figure that stands alone: those of the light page."""

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kdprobe",
    "text.parse_math": False,  # a task named "$x$" is a name
    "figure.dpi": 72,
    "font.size": 11.0,
    "axes.titlesize": 11.0,
    "axes.labelsize": 11.0,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 0.8,
    "lines.solid_capstyle": "butt",
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.8,
    "text.color": COLOURS["ink"],
    "axes.titlecolor": COLOURS["ink"],
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
}

_KEPT = (
    *("d", "points", "x", "y", "width", "height", "transform", "href", "clip-path"),
    *("fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "fill-opacity", "stroke-opacity", "opacity"),
    *("text-anchor", "font-size", "font-weight"),
)
# what the page's style says of figures, for their text to inherit
_TEXT = {"fill": "var(--muted)", "font-size": "10", "text-anchor": "start"}
_LINE = {"stroke-width": "1.6"}
_NUMBERS = ("d", "points", "x", "y", "width", "height", "transform", "stroke-width", "stroke-dasharray", "font-size")


@contextmanager
def style() -> Iterator[None]:
    """Set the style of all figures, whatever the reader's own matplotlibrc says."""
    with mpl.rc_context(), warnings.catch_warnings():
        # the reader's browser has the letters of a name that matplotlib's own font lacks
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()
        for name, value in STYLE.items():
            mpl.rcParams[name] = value  # pyright: ignore[reportArgumentType]
        yield


def to_svg(canvas: Canvas, *, prefix: str, title: str, description: str, whole: bool = False) -> str:
    """Turn a figure into one SVG element for a page.

    Parameters
    ----------
    prefix
        Put before every id: two figures on a page would share them otherwise.
    title, description
        For people who cannot see it: what it shows, and what is to be read off it.
    whole
        Whether lines are at whole pixels across, where nothing is to be read off that but which size a value belongs to.

    Returns
    -------
    str
        Without style attributes (a strict content security policy drops them), comments or dates; coordinates to a tenth of a pixel.
        Paints are presentation attributes, text takes the page's font.
    """
    buffer = io.StringIO()
    canvas.savefig(buffer, format="svg", metadata={"Date": None})
    root = ET.fromstring(buffer.getvalue())
    width, height = (float(number) for number in root.attrib["viewBox"].split()[2:])
    ids = {match for element in root.iter() for value in element.attrib.values() for match in re.findall(r"^(?:url\()?#([\w-]+)", value)}
    names = {name: f"{prefix}{i}" for i, name in enumerate(sorted(ids))}
    keep(canvas, prefix=prefix, title=title, colours={COLOURS[role]: printed for role, printed in PRINTED.items()})
    body = "".join(map(str, _merged([node for child in root for node in _nodes(child, names, whole=whole)])))
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-labelledby="{prefix}-title {prefix}-desc"><title id="{prefix}-title">{html.escape(title)}</title>'
        f'<desc id="{prefix}-desc">{html.escape(description)}</desc>{body}</svg>'
    )


_PLACE = ("x", "y", "transform")


@dataclass(frozen=True)
class _Node:
    tag: str
    attributes: dict[str, str]
    content: str = ""

    def __str__(self) -> str:
        # the page's style leaves a path without a fill hollow
        said = ((name, value) for name, value in self.attributes.items() if (self.tag, name, value) != ("path", "fill", "none"))
        opening = self.tag + "".join(f' {name}="{html.escape(value)}"' for name, value in said)
        return f"<{opening}>{self.content}</{self.tag}>" if self.content else f"<{opening}/>"


def _nodes(element: ET.Element, names: dict[str, str], *, whole: bool) -> list[_Node]:
    """One element as nodes: a group without attributes of its own is its children."""
    tag = element.tag.rpartition("}")[2]
    attributes = _attributes(element, names, whole=whole)
    if tag in ("metadata", "style") or (tag == "path" and attributes.get("fill") == "none" and "stroke" not in attributes):
        return []  # the last are the invisible backgrounds of figure and axes
    if tag == "path" and not attributes.get("d"):
        return []  # a line without a finite point
    if tag == "text":
        return [_Node(tag, attributes, html.escape((element.text or "").strip()))]
    children = _merged([node for child in element for node in _nodes(child, names, whole=whole)])
    if tag == "g" and not attributes:
        return children
    if tag in ("g", "defs") and not children:
        return []
    return [_Node(tag, attributes, "".join(map(str, children)))]


def _merged(nodes: list[_Node]) -> list[_Node]:
    """Say once what neighbours repeat: lines of one look become one path, marks of one look one group. Text comes last, above all."""
    merged: list[_Node] = []
    nodes = sorted(nodes, key=lambda node: node.tag == "text")
    for look, run in groupby(nodes, key=_look):
        alike = list(run)
        if look is None or len(alike) == 1:
            merged += alike
        elif alike[0].tag == "text":
            places = [
                _Node("text", {name: node.attributes[name] for name in _PLACE if name in node.attributes}, node.content) for node in alike
            ]
            merged.append(_Node("g", dict(look[1]), "".join(map(str, places))))
        elif alike[0].tag == "path":
            merged.append(_Node("path", alike[0].attributes | {"d": "".join(node.attributes["d"] for node in alike)}))
        else:
            marks = [_Node(node.tag, {name: node.attributes[name] for name in ("href", "x", "y")}) for node in alike]
            merged.append(_Node("g", dict(look[1]), "".join(map(str, marks))))
    return merged


def _look(node: _Node) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """What must agree for two neighbours to be merged; None for what never is, such as areas, whose overlap would vanish."""
    if node.tag == "text":
        shared = tuple((name, value) for name, value in node.attributes.items() if name not in _PLACE)
        return (node.tag, shared) if shared else None
    if (node.tag == "path" and node.attributes.get("fill") == "none") or node.tag == "use":
        return node.tag, tuple((name, value) for name, value in node.attributes.items() if name not in ("d", "x", "y", "href"))
    return None


def _attributes(element: ET.Element, names: dict[str, str], *, whole: bool) -> dict[str, str]:
    found = {name.rpartition("}")[2]: value for name, value in element.attrib.items() if not name.endswith("style")}
    identity = found.pop("id", None)
    for declaration in element.attrib.get("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        found[name] = value.removesuffix("px")
    kept = {"id": names[identity]} if identity in names else {}
    for name in _KEPT:
        value = found.get(name)
        if value is None or (name == "transform" and re.match(r"rotate\(-?0 ", value)):
            continue
        if name in ("href", "clip-path"):
            value = re.sub(r"#([\w-]+)", lambda match: f"#{names[match.group(1)]}", value)
        if name in _NUMBERS:
            value = re.sub(r"-?\d*\.\d+", _rounded, value)
            value = re.sub(r"\s+", " ", value).strip()
        if name == "d":
            value = re.sub(r" ?([MLCz]) ?", r"\1", value)
            if whole and "C" not in value:
                value = re.sub(r"(?<=[ML])-?[\d.]+", lambda match: f"{float(match.group()):.0f}", value)
            value = re.sub(r"M(\S+) (\S+)L\1 ([-\d.]+)(?![-\d.L])", r"M\1 \2V\3", value)
            value = re.sub(r"M([-\d.]+) ([-\d.]+)L([-\d.]+) \2(?![-\d.L])", r"M\1 \2H\3", value)
            value = re.sub(r"M(\S+) (\S+)V\2(?![.\d])", r"M\1 \2h0", value)
            value = re.sub(r"(?<=M)[-\d. ]+(?:L[-\d. ]+)+", _steps, value)
            value = re.sub(r"(?<![\d.])0\.", ".", value)
        kept[name] = _VARIABLES.get(value, value)
    text = element.tag.endswith("}text")
    if text:
        kept |= {name: f"{float(kept[name]):.0f}" for name in ("x", "y") if name in kept}
    defaults = _TEXT if text else _LINE
    return {name: value for name, value in kept.items() if defaults.get(name) != value}


def _steps(match: re.Match[str]) -> str:
    """Corners of a line as steps from one to the next, in tenths of a pixel, which are shorter than places."""
    places = [[round(10 * float(number)) for number in corner.split()] for corner in match.group().split("L")]
    steps = [f"{(x - before_x) / 10:g} {(y - before_y) / 10:g}" for (before_x, before_y), (x, y) in pairwise(places)]
    return match.group().split("L")[0] + "l" + " ".join(steps).replace(" -", "-")


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match.group()):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
