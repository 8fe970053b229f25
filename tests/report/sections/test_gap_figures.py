"""The picture of a card: which sizes are shaded as those that may be best, and what the line at 0 is called."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.sections._gap_figures import TWIN, best_bands, sketch
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

WORLD = ZooWorld(arms=(TrueArm(), TrueArm(scheme="transfer_rows")), tasks=(("letters", "classification"),), student_widths=(8,))
FOUND = gaps(Evidence(WORLD.zoo()))
AT = np.log2(FOUND[0].curve.sizes / FOUND[0].student_size)


def best(*places, gap=FOUND[0]):
    return replace(gap, reading=replace(gap.reading, best_set=places))


@pytest.mark.parametrize(
    ("places", "runs"), [((2,), [(2, 2)]), ((1, 2, 3), [(1, 3)]), ((0, 1, 4), [(0, 1), (4, 4)]), ((0, 1, 2, 3, 4, 5), [(0, 5)]), ((), [])]
)
def test_neighbours_share_a_band_that_ends_between_it_and_what_is_out(places, runs):
    bands = best_bands(best(*places))
    assert len(bands) == len(runs)
    for (low, high), (first, last) in zip(bands, runs, strict=True):
        assert [i for i, at in enumerate(AT) if low < at < high] == list(range(first, last + 1))
        if first:
            assert low == pytest.approx((AT[first - 1] + AT[first]) / 2)
        if last < len(AT) - 1:
            assert high == pytest.approx((AT[last] + AT[last + 1]) / 2)


def test_too_few_seeds_name_no_best_size():
    few = gaps(Evidence(replace(WORLD, seeds=4).zoo()))[0]
    assert few.reading.direction_only
    assert best_bands(few) == ()
    drawn = sketch([few], "a")
    assert "Shaded" not in drawn.caption
    assert 'fill="var(--grid)"' not in drawn.svg


def test_the_band_is_of_the_regime_that_the_answer_names():
    ahead = replace(FOUND[1], helps=replace(FOUND[1].helps, verdict="INCONCLUSIVE"), controls=())
    drawn = sketch([best(1, 2), ahead], "a")
    assert drawn.caption.startswith("Shaded: sizes that may be best on same rows (95 % set). ")
    assert drawn.svg.count('fill="var(--grid)"') == 1
    assert f">{TWIN}<" in drawn.svg
    apart = sketch([best(0, 3), ahead], "a")
    # areas are never merged into one path with what lies between them
    assert apart.svg.count('fill="var(--grid)"') == 2
