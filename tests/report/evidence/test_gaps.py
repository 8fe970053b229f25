"""Gaps of a page where runs are missing or copied: the verdict is about the teachers that were asked for."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.sections.gap import draw
from kdprobe.testing.worlds.zoo import HUMP, RISING, TrueArm, ZooWorld

WORLD = ZooWorld(tasks=(("letters", "classification"),), student_widths=(8,), arms=(TrueArm(),))
WIDTHS = sorted(HUMP)


def failing(*runs, **changes):
    evidence = Evidence(replace(WORLD, failed=tuple(("same_rows", width, 8, seed) for width, seed in runs), **changes).zoo())
    (gap,) = gaps(evidence)
    finding = next(f for card in draw(evidence).cards for f in card.findings if f.claim == "capacity gap")
    return gap, " ".join(finding.sentences), finding


@pytest.mark.parametrize("lost", [9, 10])
def test_the_largest_teacher_is_never_dropped(lost):
    gap, text, finding = failing(*((256, seed) for seed in range(lost)))
    for reading in (gap.reading, gap.raw, gap.second):
        assert (reading.verdict, reading.qualifier) == ("NOT APPLICABLE", "the largest teacher has too few runs")
    assert f"Missing runs: width 256 in {lost} of 10 seeds" in text
    assert finding.change_our_mind == "runs of mlp-256 that finish."


def test_seeds_that_each_lack_another_teacher_are_used():
    gap, text, _ = failing(*((WIDTHS[seed % 6], seed) for seed in range(12)), seeds=12)
    assert (gap.reading.verdict, gap.reading.n, gap.reading.rival) == ("SUPPORTED", 8, 1)
    assert "Missing runs: width 8 in 2, width 16 in 2, width 32 in 2, width 64 in 2, width 128 in 2 and width 256 in 2 of 12 seeds" in text
    gains = gap.curve.values["gain"]
    assert [gain.value for gain in gap.gains] == pytest.approx(np.nanmean(gains, axis=0).tolist())


def test_what_a_missing_size_could_be_is_not_contradicted():
    rising = {"arms": (TrueArm(gain=RISING, over_confidence=0.0),)}
    assert failing(**rising)[0].reading.verdict == "CONTRADICTED"
    gap, text, _ = failing(*((32, seed) for seed in range(9)), **rising)
    assert (gap.reading.verdict, gap.curve.missing) == ("INCONCLUSIVE", ("mlp-32",))
    assert "Of mlp-32 too little is known to say that it does not serve better." in text


class Copied(Evidence):
    """Seed 7 is seed 3 again."""

    def value(self, probe, comparison):
        return self.as_seed(super().value(probe, comparison), "model_id")

    def score(self, metric):
        return self.as_seed(super().score(metric), "teacher_id")

    def as_seed(self, values, column):
        values = values.copy()
        students = self.students
        own = {seed: students[students["seed"] == seed].sort_values("teacher_size")[column].to_list() for seed in (3, 7)}
        if len(values):  # the world has no score of calibration
            values.loc[own[7]] = values.reindex(own[3]).to_numpy()
        return values


def test_copied_seeds_get_no_verdict():
    evidence = Copied(WORLD.zoo())
    (gap,) = gaps(evidence)
    assert gap.copied == (3, 7)
    assert {reading.verdict for reading in (gap.reading, gap.raw, gap.second, gap.helps)} == {"NOT APPLICABLE"}
    findings = [finding for card in draw(evidence).cards for finding in card.findings]
    (said,) = {finding.sentences for finding in findings}
    assert said[0].startswith("Seeds 3 and 7 have the same gains under every teacher: one is a copy of the other")
    assert {finding.qualifier for finding in findings} == {"seeds are copies"}


def test_a_gap_that_is_too_small_to_matter_says_so_in_words():
    """The margin is a fifth of the twins' seed sd, some .01 nats."""
    small = TrueArm(gain={width: 0.0 if width == 256 else 0.002 for width in WIDTHS}, over_confidence=0.0)
    gap, text, finding = failing(arms=(small,), noise=0.0005)
    assert gap.reading.deficit.value < gap.reading.margin
    assert (finding.verdict, finding.qualifier.startswith("too small to matter")) == ("SUPPORTED", True)
    assert "It is real, but too small to matter: below 0.0" in text
    assert gap.helps.qualifier == "too small to matter"
