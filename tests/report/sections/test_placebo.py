"""The p values of placebos: those of the twins, once each, along the line of chance or off it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.transfers import transfers
from kdprobe.report.sections.placebo import PLACEBO, placebos
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

WORLD = ZooWorld(
    seeds=8, tasks=(("letters", "classification"),), student_widths=(8,), arms=(TrueArm(), TrueArm(scheme="transfer_rows", specific=0.02))
)


@pytest.fixture(scope="module")
def sound():
    return Evidence(WORLD.zoo())


def test_each_twin_under_each_teacher_counts_once_in_p_by_hand(sound):
    found = placebos(transfers(sound))
    (one, other) = [one for one in transfers(sound) if one.primary]
    # the twins of both arms are the same networks
    assert np.allclose(one.curve.values["placebo"], other.curve.values["placebo"])
    assert len(found[one.probe]) == len(one.curve.sizes)
    values, centre = one.curve.values["placebo"], one.curve.values["centre"]
    by_hand = ttest_1samp(values - centre + centre.mean(axis=0), 0.0, axis=0).pvalue
    assert found[one.probe] == pytest.approx(by_hand)


def test_a_measure_that_sees_teachers_where_there_were_none_lies_off_the_line(sound):
    shares = []
    for evidence in (sound, Evidence(replace(WORLD, unsound=0.02).zoo())):
        content = PLACEBO.draw(evidence)
        (table,), (figure,) = content.tables, content.figures
        shares.append(sum(row["small"] for row in table.rows) / sum(row["count"] for row in table.rows))
        assert f"Of {sum(row['count'] for row in table.rows):,} contrasts of untaught twins" in content.words[0]
        assert "chance" in figure.svg
    assert shares[0] < 0.2 < 0.8 < shares[1]


def test_where_none_was_measured_nothing_is_drawn(sound):
    class Alone(Evidence):
        def measurements(self):
            found = super().measurements()
            return found[found["comparison"] != "twin_siblings"]

    assert PLACEBO.draw(Alone(WORLD.zoo())) is None
