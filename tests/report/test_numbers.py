"""Numbers of a page: one minus sign, a word for a direction in place of a sign, no limit of zero, no exponent."""

import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdprobe.core.result import Measurement
from kdprobe.core.words import limit, plain
from kdprobe.report import verdict_lines, words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.sections.gap import card
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

LETTERS = (("letters", "classification"),)
FOUND = gaps(Evidence(ZooWorld(arms=(TrueArm(),), tasks=LETTERS, student_widths=(8,)).zoo()))[0]
HYPHEN = re.compile(r"(?<![\w.\-\])])-\.?\d|\de[-−+]?\d")
"""A hyphen where a minus sign should be, or an exponent."""


def measured(value, reach=0.05):
    return Measurement(value=value, low=value - reach, high=value + reach, n=10, unit="nats")


def text_of(page):
    body = re.sub(r"<(script|style|code|svg)\b.*?</\1>", " ", page.partition("<body>")[2], flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", body[: body.index('id="provenance"')]))


def test_a_page_has_one_minus_sign(page):
    text = text_of(page.html)
    assert "−" in text
    assert HYPHEN.findall(text) == []
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", page.html) + re.findall(r'aria-label="([^"]*)"', page.html)
    assert [label for label in labels if HYPHEN.search(label)] == []


@given(st.floats(-1e6, 1e6, allow_nan=False))
def test_a_plain_number_is_what_it_was_without_an_exponent(value):
    text = plain(value)
    assert not re.search(r"[-e]", text)
    assert float(text.replace("−", "-")) == pytest.approx(value, rel=1e-3, abs=1e-9)
    assert text not in ("−0", "-0")


@given(st.floats(1e-12, 1e3), st.integers(0, 6))
def test_a_limit_is_never_zero_nor_below_what_it_limits(value, places):
    text = limit(value, places)
    assert float(text) > 0
    assert float(text) >= value * (1 - 1e-6)
    if value >= 1e-5:
        assert float(text) <= value + 10.0**-places or float(text) <= 2 * value


@given(st.floats(-10, 10).filter(lambda value: abs(value) > 1e-3))
def test_a_direction_is_a_word_and_not_a_sign(value):
    found = words.compared(measured(value), "higher by {}", "lower by {}")
    assert found.startswith("higher by " if value > 0 else "lower by ")
    assert not found.removeprefix("higher by ").removeprefix("lower by ").startswith("−")
    # turned round, the interval is the same one
    assert found.partition(" by ")[2] == words.compared(measured(-value), "higher by {}", "lower by {}").partition(" by ")[2]


@pytest.mark.parametrize(("edge", "said"), [(0.15, "its own loss is lower by 0.15 nats"), (-0.15, "its own loss is higher by 0.15 nats")])
def test_a_teacher_that_is_no_better_is_lower_or_higher_and_never_lower_by_less_than_nothing(edge, said):
    reading = replace(FOUND.reading, verdict="NOT APPLICABLE", edge=measured(edge))
    (gap,) = [one for one in card([replace(FOUND, reading=reading)], [], "p").findings if one.claim == "capacity gap"]
    assert said in " ".join(gap.sentences)


@pytest.mark.parametrize(
    ("upper", "said"),
    [
        (-0.002, "Under no teacher is it above 0 (95 % limit)."),
        (0.00000004, "Under no teacher is it more than 0.000001 nats (95 % limit), which is negligible."),
        (0.0123, "Under no teacher is it more than 0.0123 nats (95 % limit), which is negligible."),
    ],
)
def test_no_gain_has_a_limit_that_says_something(upper, said):
    helps = replace(FOUND.helps, verdict="CONTRADICTED", gain=measured(-0.1), upper=upper, margin=0.02)
    finding = card([replace(FOUND, helps=helps)], [], "p").findings[0]
    assert said in " ".join(finding.sentences)


@pytest.mark.parametrize(
    ("deficit", "upper", "said"),
    [
        (0.01, 0.0151, "The largest costs 0.01 nats [−0.04, 0.06] against width "),
        (-0.06, -0.01, "The largest gives 0.06 nats [0.01, 0.11] more than width "),
    ],
)
def test_what_costs_nothing_says_what_it_gives(deficit, upper, said):
    reading = replace(FOUND.reading, verdict="CONTRADICTED", deficit=measured(deficit), upper=upper, margin=0.02)
    (gap,) = [one for one in card([replace(FOUND, reading=reading)], [], "p").findings if one.claim == "capacity gap"]
    text = " ".join(gap.sentences)
    assert said in text
    assert ("serves better by more than 0.0151 nats (95 % limit;" if upper > 0 else "no smaller one serves better (95 % limit;") in text
    assert "0.0000" not in text


def test_less_with_the_own_teacher_is_said_so():
    world = ZooWorld(tasks=LETTERS, student_widths=(8,), arms=(TrueArm(specific=-0.02),))
    (line,) = [line for line in verdict_lines(world.zoo()) if "teacher-specific" in line]
    assert re.search(r"teachers: 0\.0\d+ \[0\.0\d+, 0\.0\d+\] less with its own teacher than with siblings", line)
