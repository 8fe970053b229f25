"""The verdict on teacher-specific transfer, with the dependence between seeds that sibling teachers bring."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.stats.multiplicity import holm
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
    assert (no_nearer.verdict, no_nearer.qualifier) == ("SUPPORTED", "not shown nearer to its teacher than twins")
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


def placebo_of(own_level=0.0, *, seeds=10, teacher=0.0, noise=0.002, rng=1, sweeps=1, sizes=None):
    """Own minus siblings of untaught twins toward (sizes of) teachers, with what makes a teacher like everybody."""
    rng = np.random.default_rng(rng)
    shape = (sweeps, seeds) if sizes is None else (sweeps, seeds, sizes)
    alike = teacher * rng.normal(size=shape)
    others = (alike.sum(axis=1, keepdims=True) - alike) / (seeds - 1)
    return own_level + alike - others + noise * rng.normal(size=shape), alike


def test_the_placebo_is_subtracted_seed_by_seed():
    """Independent route: a paired t test of scipy on the differences."""
    rng = np.random.default_rng(0)
    own, siblings, baseline, placebo = rng.normal([0.8, 0.75, 0.7, 0.01], 0.01, size=(12, 4)).T
    found = read_transfer(own, siblings, baseline, placebo=placebo)
    tested = stats.ttest_rel(own - siblings, placebo)
    interval = tested.confidence_interval()
    assert (found.specific.low, found.specific.high) == pytest.approx((interval.low, interval.high))
    assert found.p == pytest.approx(tested.pvalue)
    assert found.contrast.value == pytest.approx((own - siblings).mean())
    # baseline, recipe level, specific part and placebo are the student's likeness
    whole = found.baseline.value + found.recipe.value + found.specific.value + found.placebo.value
    assert whole == pytest.approx(own.mean())


def test_without_a_placebo_nothing_is_subtracted():
    own, siblings, baseline = (part[0] for part in crossed(1, specific=0.02, teacher=0.001))
    found = read_transfer(own, siblings, baseline)
    assert (found.placebo, found.placebo_p) == (None, 1.0)
    assert found.specific == found.contrast


def test_what_makes_a_teacher_like_everybody_goes_with_the_placebo():
    own, siblings, baseline = (part[0] for part in crossed(1, specific=0.02, teacher=0.05, noise=0.001))
    rng = np.random.default_rng(5)
    # the same teachers, seen by an untaught net: all of the own minus siblings that the student has but the 0.02
    placebo = own - siblings - 0.02 + 0.001 * rng.normal(size=10)
    raw, less = read_transfer(own, siblings, baseline), read_transfer(own, siblings, baseline, placebo=placebo)
    assert raw.specific.high - raw.specific.low > 10 * (less.specific.high - less.specific.low)
    assert read_transfers([raw])[0].verdict != "SUPPORTED"
    assert read_transfers([less])[0].verdict == "SUPPORTED"


def test_a_failed_placebo_leaves_no_word_standing():
    own, siblings, baseline = (part[0] for part in crossed(1, specific=0.05, teacher=0.001))
    sound, _ = placebo_of(0.0)
    failed, _ = placebo_of(0.02)
    said = {name: read_transfers([read_transfer(own, siblings, baseline, placebo=p[0])])[0] for name, p in (("s", sound), ("f", failed))}
    assert (said["s"].verdict, said["s"].placebo_failed) == ("SUPPORTED", False)
    assert (said["f"].verdict, said["f"].qualifier, said["f"].placebo_failed) == ("INCONCLUSIVE", "its placebo failed", True)
    # nor the word that nothing came: a student may lack what makes its twin alike
    flat = [part[0] for part in crossed(1, specific=0.0, recipe=0.2, teacher=0.001, student=0.001, noise=0.001)]
    assert read_transfers([read_transfer(*flat, placebo=sound[0])])[0].verdict == "CONTRADICTED"
    flat[0] = flat[0] + 0.02
    assert read_transfers([read_transfer(*flat, placebo=failed[0])])[0].verdict == "INCONCLUSIVE"
    # away from the own teacher fails as well
    assert read_transfers([read_transfer(own, siblings, baseline, placebo=-failed[0])])[0].placebo_failed


def test_placebos_of_a_page_are_one_family():
    own, siblings, baseline = (part[0] for part in crossed(1, specific=0.05, teacher=0.001))
    placebo = np.linspace(-0.0005, 0.0055, 10)
    reading = read_transfer(own, siblings, np.full(10, baseline.mean()), placebo=placebo)
    assert 0.05 / 60 < reading.placebo_p < 0.05
    assert read_transfers([reading])[0].placebo_failed
    assert not any(one.placebo_failed for one in read_transfers([reading] * 60))


def test_the_placebo_is_tested_without_what_makes_a_teacher_like_everybody():
    """Its mean is that of the twins' contrasts; its spread is theirs less the teachers', which the reference twins show."""
    own, siblings, _ = (part[0] for part in crossed(1, specific=0.05))
    placebo, alike = placebo_of(0.01, teacher=0.05)
    found = read_transfer(own, siblings, 0.7 + alike[0], placebo=placebo[0])
    blind = read_transfer(own, siblings, np.full(10, 0.7), placebo=placebo[0])
    assert found.placebo.value == pytest.approx(blind.placebo.value) == pytest.approx(placebo[0].mean())
    assert read_transfers([found])[0].placebo_failed
    assert not read_transfers([blind])[0].placebo_failed
    # of draws, each a mean over its seeds, there is nothing to take off
    assert read_transfer(own, siblings, 0.7 + alike[0], placebo=placebo[0], seeds=30).placebo == blind.placebo


def by_size(levels, *, seeds=10, noise=0.002, rng=3):
    rng = np.random.default_rng(rng)
    shape = (seeds, len(levels))
    siblings = 0.75 + noise * rng.normal(size=shape)
    own = siblings + np.array(levels) + noise * rng.normal(size=shape)
    return own, siblings, 0.7 + noise * rng.normal(size=shape), noise * rng.normal(size=shape)


def test_a_mean_that_one_size_carries_is_told_from_all_sizes():
    for levels, shown in (([0.02, 0, 0, 0], (0,)), ([0.02] * 4, (0, 1, 2, 3)), ([0, 0.02, 0, 0.02], (1, 3))):
        own, siblings, baseline, placebo = by_size(levels)
        (found,) = read_transfers([read_transfer(own, siblings, baseline, placebo=placebo)])
        assert (found.verdict, found.shown) == ("SUPPORTED", shown)
        assert found.specific.value == pytest.approx((own - siblings - placebo).mean())
        each = stats.ttest_1samp(own - siblings - placebo, 0, axis=0).pvalue
        assert [size.p for size in found.sizes] == pytest.approx(holm(each))


def test_no_size_is_shown_where_the_mean_is_not():
    own, siblings, baseline, placebo = by_size([0.02, -0.02])
    (found,) = read_transfers([read_transfer(own, siblings, baseline, placebo=placebo)])
    assert found.sizes[0].p < 0.001
    assert (found.verdict != "SUPPORTED", found.shown) == (True, ())


def test_a_size_whose_placebo_fails_is_not_shown():
    own, siblings, baseline, placebo = by_size([0.05] * 4)
    placebo[:, 0] += 0.02
    placebo[:, 1] -= 0.02
    (found,) = read_transfers([read_transfer(own, siblings, baseline, placebo=placebo)])
    assert (found.placebo_failed, found.shown) == (False, (2, 3))


def test_one_size_is_its_mean():
    own, siblings, baseline, _ = by_size([0.05])
    whole, flat = (read_transfer(*(part if keep else part[:, 0] for part in (own, siblings, baseline))) for keep in (True, False))
    assert whole == flat
    assert whole.sizes == ()


def test_contradicted_is_held_to_all_claims_of_the_page():
    own, siblings, baseline = (part[0] for part in crossed(1, recipe=0.02, teacher=0.003, student=0.001, noise=0.004, rng=4))
    reading = read_transfer(own, siblings, baseline)
    assert 0.05 / 60 < reading.against < 0.05
    assert read_transfers([reading])[0].verdict == "CONTRADICTED"
    assert {one.verdict for one in read_transfers([reading] * 60)} == {"INCONCLUSIVE"}
