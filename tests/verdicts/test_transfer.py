"""The verdict on teacher-specific transfer, with the dependence between seeds that sibling teachers bring."""

import numpy as np
import pytest

from kdprobe.stats.paired import contrast
from kdprobe.verdicts.transfer import read_transfer, read_transfers


def crossed(sweeps, *, specific=0.0, recipe=0.04, seeds=10, teacher=0.02, student=0.02, noise=0.005, rng=0):
    """Similarities of every student to every teacher, (sweeps, seeds): toward its own, the mean over siblings, and the baseline.

    Teachers differ in how alike everything is to them, students in how alike they are to everything.
    """
    rng = np.random.default_rng(rng)
    of_teacher, of_student, of_twin = (
        sd * rng.normal(size=(sweeps, *shape)) for sd, shape in ((teacher, (1, seeds)), (student, (seeds, 1)), (student, (seeds, 1)))
    )
    taught = 0.7 + recipe + of_student + of_teacher + noise * rng.normal(size=(sweeps, seeds, seeds)) + specific * np.eye(seeds)
    untaught = 0.7 + of_twin + of_teacher + noise * rng.normal(size=(sweeps, seeds, seeds))
    others = 1 - np.eye(seeds)
    own = np.einsum("bss->bs", taught)
    siblings = (taught * others).sum(axis=2) / (seeds - 1)
    baseline = (untaught * others).sum(axis=1) / (seeds - 1)
    return own, siblings, baseline


def verdict(**effects):
    own, siblings, baseline = (part[0] for part in crossed(1, **effects))
    return read_transfers([read_transfer(own, siblings, baseline)])[0]


def test_the_three_parts_are_the_truth():
    found = verdict(specific=0.02, teacher=0, student=0)
    assert found.specific.low < 0.02 < found.specific.high
    assert found.recipe.low < 0.04 < found.recipe.high
    assert found.baseline.low < 0.70 < found.baseline.high
    assert found.moved.value == pytest.approx(found.recipe.value + found.specific.value)


def test_words():
    assert verdict(specific=0.02, teacher=0.001).verdict == "SUPPORTED"
    recipe_only = verdict(specific=0.0, teacher=0.001, student=0.001, noise=0.002)
    assert (recipe_only.verdict, recipe_only.negligible) == ("CONTRADICTED", True)
    assert verdict(recipe=0.0).qualifier == "no movement toward the teacher is shown"
    assert verdict(specific=0.004, noise=0.01, teacher=0.02).verdict == "INCONCLUSIVE"
    no_nearer = verdict(specific=0.02, recipe=-0.02, teacher=0.001)
    assert (no_nearer.verdict, no_nearer.qualifier) == ("SUPPORTED", "not shown nearer to its teacher than its twin")
    small = verdict(specific=0.003, teacher=0.001, student=0.001, noise=0.001)
    assert (small.verdict, small.qualifier) == ("SUPPORTED", "a small part of the movement")


@pytest.mark.parametrize(
    ("seeds", "text"), [(7, "direction only: below 8 seeds"), (1, "one seed gives no interval"), (0, "no seed finished")]
)
def test_too_few_seeds(seeds, text):
    parts = [np.full(seeds, 0.7) + 0.01 * np.arange(seeds)] * 3
    assert read_transfers([read_transfer(*parts)])[0].qualifier == text


def test_a_divergence_points_the_other_way():
    own, siblings, baseline = (part[0] for part in crossed(1, specific=0.02, teacher=0.001))
    closer = read_transfers([read_transfer(-own, -siblings, -baseline, lower_is_closer=True)])[0]
    away = read_transfers([read_transfer(-own, -siblings, -baseline)])[0]
    assert closer.verdict == "SUPPORTED"
    assert away.verdict != "SUPPORTED"
    assert closer.specific.value < 0


@pytest.mark.parametrize("teacher", [0.0, 0.02])
def test_false_transfer_where_only_the_recipe_is_shared(teacher):
    own, siblings, _ = crossed(10_000, teacher=teacher)
    found = contrast(own - siblings)
    false = float(((found.p < 0.05) & (found.mean > 0)).mean())
    # what teachers have in common cancels in the mean but not in the spread: the interval errs on the wide side only
    assert false <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 10_000)
    low, high = found.interval()
    assert ((low <= 0) & (high >= 0)).mean() >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 10_000)


def test_a_page_of_similarities_is_one_family():
    own, siblings, baseline = (part[0] for part in crossed(1, specific=0.004, teacher=0.002, student=0.002, rng=2))
    reading = read_transfer(own, siblings, baseline)
    assert 0.05 / 60 < reading.p < 0.05
    assert read_transfers([reading])[0].verdict == "SUPPORTED"
    assert read_transfers([reading] * 60)[0].verdict != "SUPPORTED"
