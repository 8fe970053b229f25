"""The advisor: its law against fits on real rows, its answers on worlds made for them, and what it refuses."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import kdprobe
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.result import Measurement
from kdprobe.theory.checks import excess_factor
from kdprobe.theory.gains import Bounds, nested_gains, nested_share, product, ridge_gain, teacher_sizes
from kdprobe.theory.nested_ols import nested_ols
from kdprobe.theory.objectives import silent
from kdprobe.theory.ridge import ridge_self_distillation
from kdprobe.theory.sample import read_sample

advise = kdprobe.theory.advise
BETA = np.array([1, 0.8, -0.7, 0.6, 0.5, -0.4, 0.3, 0.3, 0.2, 0.1])


def world(n=300, d=12, noise=1.0, seed=0, decay=0.5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    return x, x @ (3 * np.arange(1, d + 1) ** -decay) + math.sqrt(noise) * rng.normal(size=n)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "p", "q", "m"), [(30, 3, 8, 25), (30, 6, 3, 12), (24, 4, 4, 40)])
def test_the_law_with_an_intercept_is_that_of_real_fits(n, p, q, m):
    rng = np.random.default_rng(1)

    def fit(rows, labels):
        return np.linalg.lstsq(np.column_stack([np.ones(len(rows)), rows]), labels, rcond=None)[0]

    twins, gains = [], []
    for _ in range(2500):
        x, fresh = rng.normal(size=(n, 10)), rng.normal(size=(m, 10))
        y = x @ BETA + math.sqrt(0.5) * rng.normal(size=n)
        teacher, twin = fit(x[:, :q], y), fit(x[:, :p], y)
        student = fit(fresh[:, :p], teacher[0] + fresh[:, :q] @ teacher[1:])
        best = np.append(0.0, BETA[:p])
        twins.append(((twin - best) ** 2).sum())
        gains.append(twins[-1] - ((student - best) ** 2).sum())
    left = [0.5 + (BETA[size:] ** 2).sum() for size in sorted((p, q))]
    excess = (0.5 + (BETA[p:] ** 2).sum()) * excess_factor(p, n)
    expected = nested_share(left[1] / left[0], n=n, p=p, q=q, m=m) * excess
    assert abs(np.mean(twins) - excess) < 3.5 * np.std(twins) / 50
    assert abs(np.mean(gains) - expected) < 3.5 * np.std(gains) / 50 + 1e-9


def test_with_many_rows_it_is_the_law_without():
    for p, q, m in [(4, 20, 3000), (4, 20, math.inf), (12, 5, 4000)]:
        law = nested_ols(np.arange(1, 41) ** -0.75, 0.25, n=2000, p=p, q=q, m=m)
        left = [0.25 + (np.arange(1, 41)[size:] ** -1.5).sum() for size in sorted((p, q))]
        assert nested_share(left[1] / left[0], n=2000, p=p, q=q, m=m) == pytest.approx(1 - law.student / law.twin, rel=0.35, abs=0.02)


def test_it_helps_where_a_teacher_sees_more_and_rows_are_many():
    x, y = world()
    advice = advise(x, y, unlabelled=5000, student=3, order="columns")
    found = advice.objectives["compression"]
    assert (found.verdict, found.teacher) == ("SUPPORTED", 12)
    left = [1 + (9 / np.arange(1, 13)[size:]).sum() for size in (3, 12)]
    truth = nested_share(left[1] / left[0], n=300, p=3, q=12, m=5000)
    assert found.share.low < truth < found.share.high
    assert found.share.low > 0.8
    assert str(advice).startswith("Distilling is expected to help: a student of 3 features taught by one of 12 has 8")
    assert found.gain.low > 0
    assert advice.sentence == found.says
    # expansion is the same student taught by less
    assert advice.objectives["expansion"].verdict == "CONTRADICTED"


def test_it_hurts_where_noise_is_all_a_larger_teacher_adds():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 40))
    y = x[:, :4].sum(axis=1) + rng.normal(size=200)
    found = advise(x, y, unlabelled=30, student=4, teacher=40, order="columns").objectives["compression"]
    assert found.verdict == "CONTRADICTED"
    assert "more excess risk than its twin" in found.says
    assert found.share.high < 0


def test_few_labels_cannot_tell():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 12))
    y = x @ np.full(12, 0.25) + rng.normal(size=40)
    found = advise(x, y, unlabelled=1000, student=3, order="columns").objectives["compression"]
    assert found.verdict == "INCONCLUSIVE"
    assert "cannot tell" in found.says
    assert "Label more rows" in found.next


def test_on_the_same_rows_the_gain_is_exactly_nothing():
    found = advise(*world(), student=3).objectives["compression"]
    assert (found.share.value, found.share.low, found.share.high) == (0, 0, 0)
    assert found.verdict == "CONTRADICTED"
    assert "Find unlabelled rows: with endless ones" in found.next


def test_on_the_same_rows_that_needs_no_assumption():
    """Algebra holds on data of any kind; what other rows would give is not said where an assumption fails."""
    x, y = world(n=600)
    uneven = y + 2 * np.random.default_rng(7).normal(size=600) * np.exp(0.2 * y)
    found = advise(x, uneven, student=3, order="columns").objectives["compression"]
    assert (found.verdict, found.share.low, found.share.high) == ("CONTRADICTED", 0, 0)
    assert "What they would give theory cannot say here: even noise" in found.next
    assert "kdprobe sweep --gap --data FILE --target COLUMN" in found.next


def test_intervals_of_one_size_are_narrower():
    sample = read_sample(*world(n=80), unlabelled=500, student=3, order="columns")
    alone, beside = nested_gains(sample, [12], m=500)[0], nested_gains(sample, [4, 6, 12], m=500)[-1]
    assert beside.share.low < alone.share.low <= alone.share.value <= alone.share.high < beside.share.high


def test_sizes_of_teachers():
    sample = read_sample(*world(d=40, n=200), student=8)
    assert teacher_sizes(sample, larger=True) == (9, 12, 16, 22, 30, 40)
    assert teacher_sizes(sample, larger=False) == (1, 2, 3, 5, 7)
    assert teacher_sizes(read_sample(*world(), student=12), larger=True) == ()


def test_a_product_keeps_its_sign():
    scale = Bounds(2.0, 0.5, 9.0)
    for share in (Bounds(0.5, 0.1, 0.8), Bounds(-0.5, -0.8, -0.1), Bounds(0.1, -0.5, 0.6), Bounds(0.0, 0.0, 0.0)):
        found = product(share, scale)
        assert found.low <= found.value <= found.high
        assert (found.low > 0) == (share.low > 0)
        assert (found.high < 0) == (share.high < 0)


def test_principal_components_do_not_mind_scales_or_the_order_of_columns():
    x, y = world(d=8)
    fresh = np.random.default_rng(5).normal(size=(100, 8))
    first = advise(x, y, unlabelled=fresh, student=2).objectives["compression"].share
    turned = [5, 2, 0, 1, 7, 6, 3, 4]
    scales = 10.0 ** np.arange(-3, 5)
    second = (
        advise(1 + (x * scales)[:, turned], 5 - 7 * y, unlabelled=1 + (fresh * scales)[:, turned], student=2)
        .objectives["compression"]
        .share
    )
    assert second.value == pytest.approx(first.value, abs=1e-9)


class TestRidge:
    def test_the_pull_is_estimated_without_bias(self):
        rng = np.random.default_rng(6)
        x = rng.normal(size=(60, 6))
        x -= x.mean(axis=0)
        mean = x @ np.array([1, 0.5, 0.3, 0.2, 0.1, 0])
        left, roots, _ = np.linalg.svd(x / x.std(axis=0), full_matrices=False)
        truth = ridge_self_distillation(roots**2, (left.T @ mean) ** 2, 2.0, 20.0)
        found, low, high = [], 0, 0
        for _ in range(400):
            y = mean + math.sqrt(2.0) * rng.normal(size=60)
            one = ridge_gain(read_sample(x, y), 20.0)
            # the labels are standardised: the sum of squares is brought back
            found.append(one.pull.value)
            low += one.pull.low > truth.mixing
            high += one.pull.high < truth.mixing
        assert np.mean(found) == pytest.approx(truth.mixing, abs=4 * np.std(found) / 20 + 0.05 * abs(truth.mixing))
        assert low + high < 0.1 * 400

    def test_too_small_and_too_large_a_ridge(self):
        x, y = world(n=60, d=20, noise=60.0)
        small, large = (advise(x, y, ridge=ridge).objectives["self-distillation"] for ridge in (0.5, 3e4))
        assert small.verdict == "SUPPORTED"
        assert "So does a larger ridge" in small.next
        x, y = world(n=200, d=10, noise=0.1)
        large = advise(x, y, ridge=3e4).objectives["self-distillation"]
        assert (large.verdict, large.share.value) == ("CONTRADICTED", 0)
        tuned = advise(x, y).objectives["self-distillation"]
        assert (tuned.verdict, tuned.share.high < 0.05) == ("INCONCLUSIVE", True)
        assert "one more round of self-distillation has next to nothing to add: at most 0.0" in tuned.says

    @pytest.mark.parametrize(("n", "d", "noise", "ridge"), [(60, 20, 60.0, None), (30, 20, 60.0, None), (30, 20, 60.0, 200.0)])
    def test_a_wide_bound_is_no_next_to_nothing(self, n, d, noise, ridge):
        """The bound is at least the end of the interval, is a plain number of percents, and calls nothing small that is not."""
        found = advise(*world(n=n, d=d, noise=noise), student=3, ridge=ridge).objectives["self-distillation"]
        assert found.share.high > 0.05
        assert "next to nothing" not in found.says
        bound = re.search(r"(?:only by|at most) (\d+) % of (?:its|the ridge's) excess risk", found.says)
        assert bound
        assert 100 * found.share.high <= int(bound[1]) < 100 * found.share.high + 1
        assert not re.search(r"\de[+-]?\d", found.says)


class TestAssumptions:
    def says(self, x, y, **options):
        found = advise(x, y, student=3, order="columns", **({"unlabelled": 1000} | options)).objectives["compression"]
        assert found.verdict == "NOT APPLICABLE"
        assert found.share.value is None
        return found.says

    def test_a_bend(self):
        x, y = world()
        assert "straight lines: squares and cubes of the fit explain" in self.says(x, y + 0.3 * y**2)

    def test_uneven_noise(self):
        x, y = world(n=600)
        noise = np.random.default_rng(7).normal(size=600)
        assert "even noise" in self.says(x, y + 2 * noise * np.exp(0.2 * y))

    def test_heavy_tails(self):
        x, y = world(n=600)
        assert "no heavy tails: excess kurtosis" in self.says(x, y + 3 * np.random.default_rng(8).standard_t(2, size=600))

    def test_linked_rows(self):
        x, y = world(n=600)
        assert "independent rows: residuals of neighbouring rows correlate by" in self.says(
            x, y + np.repeat(np.random.default_rng(9).normal(size=60) * 2, 10)
        )

    def test_outlying_rows(self):
        x, _ = world()
        x = x * np.where(np.arange(300) % 40 == 0, 25.0, 1.0)[:, None]
        assert "features about Gaussian" in self.says(x, x @ np.ones(12) + np.random.default_rng(10).normal(size=300))

    def test_moved_and_stretched_rows(self):
        x, y = world()
        fresh = np.random.default_rng(11).normal(size=(400, 12))
        assert "alike unlabelled rows: their centres lie" in self.says(x, y, unlabelled=fresh + 0.6)
        assert "alike unlabelled rows" in self.says(x, y, unlabelled=1.6 * fresh)

    def test_unlabelled_rows_that_are_the_labelled_ones(self):
        """The student is its twin on them: an effect there would be an artefact of reading them as new."""
        x, y = world()
        assert "alike unlabelled rows: 100 % of them are labelled rows once more" in self.says(x, y, unlabelled=x)
        half = np.concatenate([x[:150], np.random.default_rng(12).normal(size=(150, 12))])
        assert "50 % of them are labelled rows once more" in self.says(x, y, unlabelled=half)

    def test_features_of_a_few_values_repeat_by_themselves(self):
        rng = np.random.default_rng(13)
        x = rng.integers(0, 2, size=(300, 4)).astype(float)
        advice = advise(x, x @ np.ones(4) + rng.normal(size=300), unlabelled=rng.integers(0, 2, size=(300, 4)).astype(float), student=2)
        assert "once more" not in str(advice)

    def test_what_holds_is_let_through(self):
        for seed in range(8):
            x, y = world(n=60, d=10, seed=seed)
            fresh = np.random.default_rng(100 + seed).normal(size=(40, 10))
            assert advise(x, y, unlabelled=fresh, student=3).objectives["compression"].verdict != "NOT APPLICABLE"


def test_theorems_and_other_objectives():
    advice = advise(*world(), unlabelled=100, student=3, teachers=4)
    assert not advice.theorems["linear_disagreement"].applicable
    assert "two classes: the labels have 300 values" in advice.theorems["linear_disagreement"].failed[0]
    assert advice.theorems["nested_ols"].applicable
    enhanced = advice.objectives["enhancement"]
    assert (enhanced.verdict, enhanced.share.value) == ("SUPPORTED", 0.75)
    assert enhanced.gain.low < enhanced.gain.value < enhanced.gain.high
    assert advice.objectives["adaptation"].verdict == "NOT APPLICABLE"
    assert advise(*world(n=30, d=25), student=3).objectives["self-distillation"].verdict == "NOT APPLICABLE"


def test_estimates():
    x, y = world(n=2000, d=6)
    advice = advise(x, y, student=2, order="columns")
    explained = 9 / np.arange(1, 7)
    truths = (1 / (explained.sum() + 1), 6.0, explained[:2].sum() / explained.sum())
    for result, truth in zip((advice.noise, advice.spectrum, advice.alignment), truths, strict=True):
        assert isinstance(result, Measurement)
        assert abs(result.value - truth) < 1.2 * (result.high - result.low)
    few = advise(*world(n=18, d=10), student=2)
    assert few.noise.value is None
    assert few.alignment.value is None


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_labels_without_noise(scale):
    """Nothing is left over for a variance to come from: values or refusals, and no warning."""
    x = np.random.default_rng(12).normal(size=(100, 6)) * scale
    found = advise(x, x @ np.arange(6.0), unlabelled=1000, student=2, order="columns")
    assert found.objectives["compression"].verdict == "SUPPORTED"
    assert found.objectives["compression"].teacher == 6
    assert found.alignment.value == pytest.approx(1 / 55, abs=0.05)
    assert "not applicable" in str(found)
    alike = advise(x, x @ np.arange(6.0), unlabelled=100, student=2, teacher=6, order="columns").objectives["compression"]
    assert alike.says == "Distilling is expected to change nothing: without noise, 100 labels of a teacher are worth 100 labels."


def test_a_student_of_everything_has_no_larger_teacher():
    found = advise(*world(), unlabelled=100, student=12).objectives["compression"]
    assert found.says == "Theory says nothing here: there is no larger teacher beside a student of 12 of 12 features."


def test_the_answer_is_of_the_first_objective_that_has_one():
    advice = advise(*world(), unlabelled=5000, student=12, order="columns")
    expansion = advice.objectives["expansion"]
    assert advice.first is expansion
    assert advice.sentence == expansion.says
    assert expansion.says.startswith("Distilling from a smaller teacher is expected to hurt: at best a student of 12 features")
    printed = str(advice)
    assert printed.startswith(f"{expansion.says}\n{expansion.next}\n\n")
    assert "\ncompression: NOT APPLICABLE: Theory says nothing here: there is no larger teacher" in printed
    assert "\nexpansion: CONTRADICTED: see the answer above.\n" in printed
    assert printed.count(expansion.says) == 1
    larger = str(advise(*world(), unlabelled=5000, student=3))
    assert "\ncompression: SUPPORTED: see the answer above.\n" in larger
    # where none has an answer, why compression has none comes first
    none = replace(advice, objectives={name: silent(name, f"of {name}", "nested_ols") for name in ("compression", "expansion")})
    assert none.sentence == "Theory says nothing here: of compression."
    assert str(none).startswith(none.sentence + "\n\ncompression: NOT APPLICABLE: see the answer above.\n")


def test_a_teacher_that_is_named_leaves_one_objective_out():
    narrow = advise(*world(), unlabelled=5000, student=3, teacher=2).objectives
    assert narrow["compression"].says == "Not asked: the teacher named has 2 features, fewer than the student's 3."
    assert narrow["compression"].verdict == "NOT APPLICABLE"
    assert (narrow["expansion"].teacher, len(narrow["expansion"].sizes)) == (2, 1)
    wide = advise(*world(), unlabelled=5000, student=3, teacher=12).objectives
    assert wide["expansion"].says == "Not asked: the teacher named has 12 features, no fewer than the student's 3."
    assert wide["compression"].teacher == 12


def test_a_teacher_of_the_students_own_features_changes_nothing():
    found = advise(*world(), unlabelled=5000, student=3, teacher=3).objectives["compression"]
    assert found.share.value == pytest.approx(0, abs=1e-9)
    assert found.verdict == "CONTRADICTED"
    assert "a teacher of the student's own 3 features tells it what the labels do" in found.says


def test_endless_rows_and_rows_to_come():
    x, y = world()
    shares = [
        advise(x, y, unlabelled=m, student=3, teacher=12).objectives["compression"].share.value
        for m in (10, 1000, np.int64(10**6), math.inf)
    ]
    assert shares == sorted(shares)
    assert shares[3] - shares[2] < 1e-3


def changed(value, row=4, column=2):
    x, y = world()
    x[row, column] = value
    return x, y


@pytest.mark.parametrize(
    ("data", "options", "error", "text"),
    [
        (changed(math.nan), {}, DataError, "X holds 1 entries that are NaN or infinite, the first in row 4: fill them or leave"),
        ((world()[0], np.where(np.arange(300) == 7, math.inf, world()[1])), {}, DataError, "y holds 1 entries that are NaN or infinite"),
        ((world()[0], np.full(300, 3.0)), {}, DataError, r"y is constant \(3\): there is nothing to predict"),
        (
            (world()[0] * (np.arange(12) != 4), world()[1]),
            {},
            DataError,
            r"column 4 of X is constant \(0\) on the labelled rows: leave it out",
        ),
        ((np.c_[world()[0], world()[0][:, :1]], world()[1]), {}, DataError, "X is singular: column (0|12) is a combination of the others"),
        (
            (world()[0][:6], world()[1][:6]),
            {"student": 4},
            DataError,
            "6 labelled rows: a student of 4 features has .* from 7 on: label more",
        ),
        (
            (world()[0][:10], world()[1][:10]),
            {"student": 2, "teacher": 8},
            DataError,
            "10 labelled rows: a teacher of 8 features has .* from 11 on",
        ),
        (
            world(),
            {"unlabelled": 5, "student": 3},
            DataError,
            "5 unlabelled rows: a student of 3 features has a finite expected risk from 6 on",
        ),
        (world(), {"unlabelled": 0}, DataError, "unlabelled=0: give rows, or how many there will be"),
        (world(), {"unlabelled": 2.5}, DataError, "unlabelled=2.5: give rows"),
        (world(), {"unlabelled": np.ones((5, 3))}, DataError, r"unlabelled has shape \(5, 3\): give \(m, 12\)"),
        (world(), {"student": 13}, DataError, "student=13 of 12 features: give 1 to 12"),
        (world(), {"teacher": 13}, DataError, "teacher=13 of 12 features: give 1 to 12"),
        (world(), {"student": 0}, PlanError, "student=0: give a number of features from 1 on"),
        (world(), {"teachers": 0}, PlanError, "teachers=0: give a whole number from 1 on"),
        (world(), {"ridge": 1e300}, DataError, "ridge=1e.300 shrinks all or nothing: give a number nearer to the eigenvalues, which are"),
        *((world(), {"ridge": odd}, DataError, f"ridge={odd!r}: give a number above 0") for odd in ("1", True)),
        (tuple(1e200 * part for part in world()), {}, DataError, "X holds .*e.20[0-9] in size: give it in a unit in which it lies between"),
        (tuple(1e-200 * part for part in world()), {}, DataError, "X holds .*e-(199|200) in size: give it in a unit"),
        (world(), {"ridge": -1}, DataError, "ridge=-1: give a number above 0, or none for the best one"),
        (world(), {"order": "sorted"}, PlanError, "order='sorted' is unknown"),
        ((world()[0], world()[1][:9]), {}, DataError, r"X has shape \(300, 12\), y \(9,\): give \(n, d\) and \(n,\)"),
        ((np.array([["a"], ["b"]]), np.ones(2)), {}, DataError, "X holds <U1 entries: give numbers; a column of words becomes"),
    ],
)
def test_errors_name_the_condition(data, options, error, text):
    with pytest.raises(error, match=text):
        advise(*data, **options)


def test_errors_name_the_columns_of_a_frame():
    x, y = world(d=4)
    frame = pd.DataFrame(x, columns=["age", "height", "weight", "pulse"])
    with pytest.raises(DataError, match="column 'pulse' of X is constant"):
        advise(frame.assign(pulse=1.0), y)
    with pytest.raises(DataError, match=r"X is singular: column '(age|copy)' is a combination"):
        advise(frame.assign(copy=2 * frame["age"]), y)


def test_huge_counts_and_columns_of_yes_and_no_are_read():
    x, y = world()
    assert advise(x, y, unlabelled=10**22, student=3).objectives["compression"].verdict != "NOT APPLICABLE"
    frame = pd.DataFrame(x)
    frame["flag"] = x[:, 0] + np.random.default_rng(14).normal(size=len(x)) > 0
    told = advise(frame, y, unlabelled=100, student=3)
    assert str(told) == str(advise(frame.astype({"flag": float}), y, unlabelled=100, student=3))
