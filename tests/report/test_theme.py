"""SVG and strips: small, safe under a strict policy, the same each time."""

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

from kdprobe.report.theme.agreement import Cells, agreement
from kdprobe.report.theme.bars import NAMES, Bar, bars
from kdprobe.report.theme.forest import Line, forest
from kdprobe.report.theme.phase import Cross, phase
from kdprobe.report.theme.plots import Panel, Series, _apart, in_lines, panels, spaced, width_of
from kdprobe.report.theme.strip import strip
from kdprobe.report.theme.svg import COLOURS, _steps, to_svg


def drawing(label="own", prefix="p", seeds=10, sizes=6, **panel):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(seeds, sizes))
    mean = values.mean(axis=0)
    series = Series(label=label, role="one", mean=mean, low=mean - 0.1, high=mean + 0.1, seeds=values)
    other = Series(label="other", role="two", mean=mean + 0.01, low=mean - 0.1, high=mean + 0.2)
    stack = [Panel(title=f"{label} (nats)", series=(series, other), **panel), Panel(title="below", series=(other,))]
    ticks = [str(2**i) for i in range(sizes)]
    return panels(
        stack, x=np.arange(float(sizes)), ticks=ticks, x_label="size", prefix=prefix, title=f"title {label}", description="what <it> says"
    )


def test_the_same_figure_gives_the_same_bytes():
    assert drawing() == drawing()


def test_a_figure_is_well_formed_and_named():
    svg = drawing(zero="no gain")
    root = ET.fromstring(svg)
    assert root.attrib["role"] == "img"
    labels = root.attrib["aria-labelledby"].split()
    assert [root.find(f"*[@id='{label}']").text for label in labels] == ["title own", "what <it> says"]
    texts = [element.text for element in root.iter("text")]
    assert {"own (nats)", "own", "other", "no gain", "size"} <= set(texts)


def test_a_strict_policy_would_drop_nothing():
    svg = drawing()
    assert " style=" not in svg
    assert "<style" not in svg
    assert "http" not in svg
    assert "<!--" not in svg


def test_colours_follow_the_theme():
    svg = drawing(shaded=True)
    assert not set(re.findall(r"#[0-9a-f]{6}", svg)) & set(COLOURS.values())
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg)) <= {f"var(--{role})" for role in COLOURS} | {"none"}


def test_lines_written_as_steps_end_where_they_should():
    """A line of tenths: steps add up to the places, so that rounding does not pile up along it."""
    rng = np.random.default_rng(0)
    places = np.round(rng.uniform(0, 340, (30, 2)), 1)
    text = "L".join(f"{x:g} {y:g}" for x, y in places)
    shown = _steps(re.fullmatch(r".*", text))
    start, _, rest = shown.partition("l")
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", rest)]
    steps = np.reshape(numbers, (-1, 2))
    np.testing.assert_allclose(np.cumsum([[float(n) for n in start.split()], *steps], axis=0), places, atol=1e-9)
    assert len(shown) < len(text)


def test_bars_lie_where_their_parts_say():
    lines = [
        Bar(label="a heading"),
        Bar(label="one", parts=(2.0, 1.0, 0.5), beside=(0.1, 0.0, 0.2)),
        Bar(label="two", parts=(4.0, 0.0, 0.0)),
    ]
    svg = bars(
        lines, parts=(("known", "one"), ("new", "two"), ("left", "paper")), titles=("nats", "new"), prefix="b", title="t", description="d"
    )
    root = ET.fromstring(svg)
    known, new = (
        [
            path.attrib["d"]
            for path in root.iter("path")
            if path.attrib.get("stroke") == f"var(--{role})" and path.attrib.get("stroke-width") == "11"
        ]
        for role in ("one", "two")
    )
    spans = [[float(end) for end in match] for match in re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", known[0])]
    (first, half), (start, whole) = spans
    assert first == start == NAMES
    assert half - first == pytest.approx((whole - start) / 2, abs=0.1)
    assert float(re.match(r"M([\d.]+)", new[0])[1]) == half
    assert len(re.findall("M", new[0])) == 1  # a part without length is not drawn
    assert {"a heading", "one", "two", "known", "□"} <= {element.text for element in root.iter("text")}


def test_a_long_name_of_an_arm_is_told_whole_and_its_row_is_higher():
    values = ((0.1, 0.0, 0.2, np.array([0.1])),)
    names = ["a", "labels, and own answers on the same rows", "b"]
    lines = [Line(label=name, role="one", values=values) for name in names]
    root = ET.fromstring(forest(lines, columns=("gain",), prefix="f", title="t", description="d"))
    texts = {text.text: height_of(text) for text in root.iter("text")}
    assert not any("…" in text for text in texts)
    long = [text for text in texts if text not in ("a", "b", "gain") and text in names[1]]
    assert " ".join(long) == names[1]
    assert len(long) == 3
    # none touches the row above or below
    heights = [texts["a"], *(texts[text] for text in long), texts["b"]]
    assert all(below - above >= 11 for above, below in itertools.pairwise(heights))
    cut = forest([replace(lines[0], label="word " * 40)], columns=("gain",), prefix="f", title="t", description="d")
    assert "…" in cut


def height_of(text):
    """Where a text stands; lines of several are moved there."""
    return float(text.attrib.get("y") or re.match(r"translate\(\S+[ ,]([\d.]+)\)", text.attrib["transform"])[1])


def test_lines_at_whole_pixels_across_are_as_high_as_they_were():
    rng = np.random.default_rng(0)
    figure = Canvas(figsize=(3, 3))
    figure.add_axes((0.1, 0.1, 0.8, 0.8)).plot(rng.uniform(size=9).cumsum(), rng.uniform(size=9), color=COLOURS["one"])
    told = {whole: to_svg(figure, prefix="w", title="t", description="d", whole=whole) for whole in (False, True)}
    corners = {}
    for whole, svg in told.items():
        path = re.search(r'd="(M[^"]*)"[^>]*stroke="var\(--one\)"', svg)[1]
        start, _, rest = path[1:].partition("l")
        numbers = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", rest)]
        corners[whole] = np.cumsum([[float(n) for n in start.split()], *np.reshape(numbers, (-1, 2))], axis=0)
    assert (corners[True][:, 0] == np.round(corners[True][:, 0])).all()
    np.testing.assert_allclose(corners[True][:, 0], corners[False][:, 0], atol=0.55)
    np.testing.assert_allclose(corners[True][:, 1], corners[False][:, 1], atol=1e-9)


def test_ids_are_prefixed():
    first, second = (set(re.findall(r' id="([^"]*)"', drawing(prefix=prefix))) for prefix in ("a", "b"))
    assert first
    assert not first & second
    svg = drawing(prefix="a")
    assert set(re.findall(r'href="#([^"]*)"', svg)) <= first


@pytest.mark.parametrize("label", ["$x_1$", "\\frac{", "<b>&lt;</b>", "_hidden", "ﬁ & 'quotes' \"", "#010101", "%s {0}", "𝒳"])
def test_names_are_only_text(label):
    texts = [element.text for element in ET.fromstring(drawing(label=label)).iter("text")]
    assert label in texts
    assert f"{label} (nats)" in texts


def test_every_seed_is_drawn():
    # one subpath a seed
    paths = re.findall(r'<path d="([^"]*)"[^>]*stroke-opacity="0.35"', drawing(seeds=10))
    assert sum(path.count("M") for path in paths) == 10
    single = drawing(seeds=7, sizes=1)
    # and a point each where there is no line to draw
    assert len(re.findall(r'<use [^>]*y="[^"]*"', single)) == 7


def test_colours_of_the_page_can_be_told_apart_and_read():
    css = __import__("importlib.resources").resources.files("kdprobe.report.theme").joinpath("page.css").read_text()
    for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL):
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", block))
        for ground in ("paper", "raised"):
            for role in ("ink", "muted", "one", "two", "three", "four", "flag", "link"):
                assert contrast(colours[role], colours[ground]) >= 4.5, (role, ground)


def contrast(first, second):
    """Contrast ratio of WCAG 2."""

    def luminance(colour):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("wanted", "gap"),
    [([0.5, 0.52, 0.9], 0.1), ([0.0, 0.0, 0.0], 0.2), ([1.0, 1.0], 0.1), ([0.2, 0.9], 0.1), ([0.4, 0.41, 0.42, 0.43], 0.2)],
)
def test_labels_are_moved_apart_and_stay_inside(wanted, gap):
    found = _apart(wanted, gap)
    assert all(later - earlier >= gap - 1e-9 for earlier, later in itertools.pairwise(found))
    assert found[0] >= -1e-9
    assert found[-1] <= 1 + 1e-9
    assert _apart([], gap) == []


def test_a_strip_has_a_tick_a_seed_and_says_what_it_shows():
    svg = str(strip([-0.01, 0.02, 0.03], -0.05, 0.05))
    assert svg.count("v10") == 3
    assert 'aria-label="3 seeds from −0.01 to 0.03"' in svg
    assert "zero" in svg
    assert "zero" not in str(strip([0.5], 0.4, 0.6))
    assert "no seeds" in str(strip([], 0.0, 0.0))


def test_labels_keep_off_the_ends_that_they_are_given():
    found = _apart([0.0, 0.97, 0.99], 0.2, ends=(0.1, 0.9))
    assert found == pytest.approx([0.1, 0.7, 0.9])
    # each gap of its own: what is far from the crowd stays where it is
    assert _apart([0.3, 0.6, 0.61], [0.1, 0.2], ends=(0.1, 0.9)) == pytest.approx([0.3, 0.505, 0.705])


def test_ticks_that_would_touch_are_left_out_and_those_that_do_not_are_kept():
    rng = np.random.default_rng(1)
    for _ in range(50):
        at = np.sort(rng.uniform(0, 200, 12))
        labels = ["9" * int(length) for length in rng.integers(1, 8, 12)]
        kept = spaced(at, labels, 10)
        halves = [width_of(label, 10) / 2 for label in labels]
        assert all(at[j] - halves[j] >= at[i] + halves[i] for i, j in itertools.pairwise(kept))
        # each that is left out would touch the one before it
        for lost in set(range(12)) - set(kept):
            before = max(i for i in kept if i < lost)
            assert at[lost] - halves[lost] < at[before] + halves[before] + 4


def test_a_long_name_has_two_lines_before_it_is_cut():
    assert in_lines("labelled and transfer rows", 120, 10) == "labelled and\ntransfer rows"
    assert in_lines("short", 120, 10) == "short"
    assert in_lines("x" * 30, 120, 10) == "x" * 19 + "…"


def test_agreement_draws_a_dot_a_cell_and_counts_errors():
    predicted, observed = np.array([1.0, 2.0, 3.0]), np.array([1.1, 2.0, 2.0])
    cells = Cells(label="fits", role="one", predicted=predicted, observed=observed, error=np.array([0.1, 0.0, 0.1]))
    assert cells.apart == pytest.approx([1.0, 0.0, 10.0])
    for logarithmic in (False, True):
        svg = agreement([cells], unit="nats", prefix="ag", title="t", description="d", logarithmic=logarithmic)
        texts = [element.text for element in ET.fromstring(svg).iter("text")]
        assert {"observed (nats)", "|observed − predicted| / SE", "fits", "predicted"} <= set(texts)


def test_a_map_of_a_law_alone_has_no_cross():
    x, y = np.geomspace(1, 100, 5), np.linspace(0, 1, 5)
    how = {"x_label": "rows", "y_label": "noise", "names": ("helps", "hurts"), "prefix": "a", "title": "t", "description": "d"}
    gains = np.linspace(-1, 1, 25).reshape(5, 5)
    plain, marked = phase(x, y, gains, **how), phase(x, y, gains, cross=Cross(x=10, y=(0.5, 0.4, 0.6), label="these data"), **how)
    assert "these data" in marked
    assert "these data" not in plain
    assert len(plain) < len(marked)


def test_seeds_on_one_pixel_are_drawn_once_and_all_counted():
    drawn = str(strip([0.5, 0.5001, 1.0], 0.0, 1.0))
    assert drawn.count("v10") == 2
    assert "3 seeds from 0.5 to 1" in drawn


def test_names_that_begin_alike_are_told_apart():
    names = ("labelled and transfer rows", "labelled and own answers")
    lines = [Bar(label=name, parts=(1.0,), beside=(0.0, -1.0, 1.0)) for name in names]
    svg = bars(lines, parts=(("a", "one"),), titles=("bars", "beside"), prefix="p", title="t", description="d")
    text = re.findall(r">([^<>]+)</text>", svg)
    assert {"transfer rows", "own answers"} <= set(text)
    assert not any("…" in part for part in text)


def test_a_long_title_of_a_panel_is_whole_and_begins_at_the_edge():
    long = "labelled and transfer rows: gain (target var"
    root = ET.fromstring(drawing(label=long))
    (title,) = (element for element in root.iter("text") if element.text == f"{long} (nats)")
    assert title.attrib.get("x", "0") == "0"
    (short,) = (element for element in ET.fromstring(drawing()).iter("text") if element.text == "own (nats)")
    assert float(short.attrib["x"]) == 50
