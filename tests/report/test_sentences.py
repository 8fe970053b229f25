"""Sentences of the head of a page and of its cards hold for the plan that prints them."""

from dataclasses import replace

import pytest

from kdprobe.core.registry import find
from kdprobe.core.section import Card, Finding
from kdprobe.report.evidence.around import setting_of
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.lede import details, lede
from kdprobe.report.sections.gap import draw
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

LETTERS = (("letters", "classification"),)
WORLD = ZooWorld(seeds=3, tasks=LETTERS, student_widths=(8,))


class Other:
    """A world's frames, of which some columns of its models, or parts of its plan, are other ones."""

    def __init__(self, zoo, plan=None, asks="gap", **columns):
        self._zoo, self._plan, self._asks, self._columns = zoo, plan or {}, asks, columns

    def __getattr__(self, name):
        return getattr(self._zoo, name)

    def models(self):
        return self._zoo.models().assign(**self._columns)

    def provenance(self):
        found = self._zoo.provenance()
        return found | {"asks": self._asks, "plan": found["plan"] | self._plan}


def section(name, zoo):
    return find("sections", name).draw(Evidence(zoo))


def findings(zoo, claim):
    return [finding for card in draw(Evidence(zoo)).cards for finding in card.findings if finding.claim == claim]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "the same start, the same number of steps, no teacher."),
        ({"patience": 2}, "the same start, the same number of steps at most, as each stops by its own validation loss, no teacher."),
        ({"steps": 0, "learning_rate": 0.0}, "the same start, no teacher."),
    ],
)
def test_a_twin_has_the_steps_that_are_said(columns, said):
    zoo = Other(WORLD.zoo(), **columns)
    assert f"compared with its own twin: {said}" in details(Evidence(zoo))[1]
    signs = section("failures", zoo).words[0]
    assert "which had the same start" in signs
    assert ("number of steps" in signs) == ("steps" in said)
    assert ("at most" in signs) == ("at most" in said)


@pytest.mark.parametrize(
    ("tune", "said"), [((), ""), (("alpha",), ""), (("steps", "alpha"), "a twin has the steps that is best for twins")]
)
def test_a_twin_is_tuned_by_itself(tune, said):
    text = " ".join(details(Evidence(Other(WORLD.zoo(), plan={"tune": list(tune)}))))
    assert ("where it is tuned" in text) == bool(said)
    assert said in text


def test_controls_are_counted_over_all_regimes():
    """Each regime has controls of its own: none has all of them."""
    arms = (
        TrueArm(),
        TrueArm(scheme="transfer_rows"),
        *(TrueArm(scheme=name, gain={256: 0.0}) for name in ("own_answers", "self_pseudo_labels")),
    )
    text = details(Evidence(replace(WORLD, arms=arms).zoo()))[0]
    assert "same rows and transfer rows; beside them 2 controls." in text


def test_tasks_that_have_sizes_of_their_own_do_not_add_up():
    """A knowledge sweep gives each task the widths of its own family: no task has those of another."""
    zoo = replace(WORLD, tasks=(*LETTERS, ("bikeshare", "regression"))).zoo()
    family = zoo.models()["task"].map({"letters": "mlp", "bikeshare": "gru"})
    assert "6 teacher sizes × 1 student size" in lede(Evidence(Other(zoo, family=family)))


@pytest.mark.parametrize(("draws", "said"), [(3, "5 draws of labelled rows (now 3)."), (1, "8 seeds (now 4).")])
def test_too_few_draws_are_no_matter_of_a_thousand_seeds(draws, said):
    zoo = replace(WORLD, seeds=4, draws=draws, arms=(TrueArm(),)).zoo()
    assert [finding.change_our_mind for finding in findings(zoo, "capacity gap")] == [said]


def test_a_closed_form_has_no_learning_rate_to_tune():
    zoo = Other(replace(WORLD, seeds=10, arms=(TrueArm(),)).zoo(), learning_rate=0.0, temperature=None)
    assert {gap.fixed for gap in gaps(Evidence(zoo))} == {("α",)}
    (finding,) = findings(zoo, "capacity gap")
    assert finding.verdict == "SUPPORTED"
    assert finding.change_our_mind == "α tuned for each teacher size, if width 256 then catches up."


def test_who_is_untaught_has_no_weight_of_a_teacher():
    for scheme, told in (("step_matched_twin", ""), ("own_answers", "at α 0.5")):
        evidence = Evidence(Other(replace(WORLD, arms=(TrueArm(scheme=scheme),)).zoo(), alpha=0.5, temperature=None))
        assert setting_of(evidence, evidence.groups[0]) == told


@pytest.mark.parametrize("scheme", ["sibling_teacher", "weak_teacher", "equal_loss_teachers", "true_labels", "own_answers"])
def test_a_control_that_somebody_taught_is_not_said_to_gain_by_no_teaching(scheme):
    finding, *_ = findings(replace(WORLD, arms=(TrueArm(scheme=scheme),)).zoo(), "teaching helps")
    assert "what it gains did not come from the teacher that it is read against" in finding.sentences[0]
    assert "not what teaching gives" not in finding.sentences[0]


def test_what_it_costs_in_accuracy_is_told_before_other_settings():
    """Behind them "it" would be the largest teacher at another T."""
    arms = tuple(TrueArm(temperature=t) for t in (1.0, 4.0))
    (finding,) = findings(replace(WORLD, arms=arms, beside={"temperature": (1.0, 4.0)}).zoo(), "capacity gap")
    text = " ".join(finding.sentences)
    assert 0 < text.index("In accuracy it costs") < text.index("At T 4 the largest costs")


@pytest.mark.parametrize(
    ("alphas", "said"),
    [((0.3, 0.9), "α was chosen for each seed"), ((0.5,), "one fixed α, T, learning rate and number of steps, as far as")],
)
def test_no_choice_is_spoken_of_where_there_was_none(alphas, said):
    evidence = Evidence(Other(WORLD.zoo(), plan={"alphas": list(alphas)}, asks="knowledge"))
    card = Finding(claim="c", scope="s", verdict="INCONCLUSIVE", sentences=("1 [0, 2].",), change_our_mind="more.")
    evidence.cards.append(Card(headline="h", findings=(card,)))
    (text,) = find("sections", "mind").draw(evidence).words
    assert said in text
    assert ("chosen" in text) == (len(alphas) > 1)
    assert "as far as they apply" in text
