"""Fixed sentences of a page hold for the plan that prints them."""

import pytest

from kdprobe.core.registry import find
from kdprobe.core.section import Card, Finding
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.lede import details
from kdprobe.report.sections.mind import draw
from kdprobe.testing.worlds.zoo import HUMP, TrueArm, ZooWorld

LETTERS, BIKES = (("letters", "classification"),), (("bikeshare", "regression"),)


class Asking(Evidence):
    """A world as if another question had been asked."""

    asks = "knowledge"


def section(name, zoo):
    return find("sections", name).draw(Evidence(zoo))


@pytest.mark.parametrize(("kind", "said", "not_said"), [(Evidence, "setting of α, T", "chosen"), (Asking, "α was chosen", "setting of α")])
def test_what_a_verdict_is_fixed_at(small_world, kind, said, not_said):
    evidence = kind(small_world)
    finding = Finding(claim="c", scope="s", verdict="INCONCLUSIVE", sentences=("1 [0, 2].",), change_our_mind="more.")
    evidence.cards.append(Card(headline="h", findings=(finding,)))
    text = draw(evidence).words[0]
    assert said in text
    assert not_said not in text


def test_calibration_is_spoken_of_where_there_is_some():
    for tasks, spoken in ((LETTERS, True), (BIKES, False)):
        words = " ".join(section("gap", ZooWorld(seeds=3, tasks=tasks, student_widths=(8,)).zoo()).words)
        assert ("The loss of classes is the calibrated NLL" in words) == spoken


def test_with_several_draws_lines_and_intervals_are_of_draws():
    for draws, unit in ((1, "seeds"), (3, "draws of labelled rows, each the mean of its seeds")):
        words = " ".join(section("gap", ZooWorld(seeds=3, draws=draws, tasks=LETTERS, student_widths=(8,)).zoo()).words)
        assert f"Thin lines are {unit};" in words
        assert f"intervals over {unit.partition(' ')[0]}." in words


@pytest.mark.parametrize("draws", [1, 3])
def test_every_section_says_what_its_intervals_are_over(draws):
    world = ZooWorld(seeds=3, draws=draws, tasks=LETTERS, student_widths=(8,)).zoo()
    unit = "seeds" if draws == 1 else "draws of labelled rows, each the mean of its seeds"
    assert f"Intervals are 95 %, over {unit}." in " ".join(details(Evidence(world)))
    for name, said in {"cells": "95 % intervals over {}", "transfer": "with intervals over {};", "failures": "paired t over {})"}.items():
        assert said.format(unit) in " ".join(section(name, world).words)


def test_where_no_teacher_is_larger_the_mean_is_over_all():
    flat = dict.fromkeys(sorted(HUMP)[:3], 0.2)
    world = ZooWorld(seeds=3, tasks=LETTERS, student_widths=(4096,), arms=(TrueArm(gain=flat),))
    sentences = [finding.sentences[0] for card in section("transfer", world.zoo()).cards for finding in card.findings]
    assert sentences
    assert all("mean over all teachers" in sentence for sentence in sentences)


def test_nothing_unasked_stands_further_up(small_world):
    class Without:
        def __getattr__(self, name):
            return getattr(small_world, name)

        def measurements(self):
            table = small_world.measurements()
            return table[~table["probe"].isin(["shared_information", "left_behind", "own_information"])]

    assert "further up" in section("cells", small_world).words[0]
    assert "further up" not in section("cells", Without()).words[0]


@pytest.mark.parametrize(("tasks", "fixed"), [(LETTERS, ("α", "T", "learning rate")), (BIKES, ("α", "learning rate"))])
def test_only_what_there_is_could_be_tuned(tasks, fixed):
    assert {gap.fixed for gap in gaps(Evidence(ZooWorld(seeds=3, tasks=tasks, student_widths=(8,)).zoo()))} == {fixed}
