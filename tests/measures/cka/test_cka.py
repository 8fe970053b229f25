"""cka() against the papers' formulas and public values; its null, its interval, its traps."""

import itertools
import warnings

import numpy as np
import pytest

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.cka import feature_space, gram_space, width_correction
from kdprobe.measures.cka.alignment import features_are_cheaper
from kdprobe.measures.cka.cka import cka
from kdprobe.measures.cka.hsic import deal, hsic
from kdprobe.measures.cka.null import concentration, null_of, null_sd, upper_tail
from tests.measures.similarity_oracles import (
    biased_cka,
    debiased_cka,
    hsic1_of_song,
    latent_pair,
    linear,
    public_case,
    rbf,
    u_centred,
)


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        ({"debiased": False}, 0.55761),
        ({}, 0.51346),
        ({"kernel": "rbf", "bandwidth": 0.5, "debiased": False}, 0.65483),
    ],
)
def test_public_values(choice, value):
    assert cka(*public_case(), **choice).value == pytest.approx(value, abs=5e-6)


@pytest.mark.parametrize(("n", "dx", "dy"), [(8, 1, 1), (40, 3, 70), (60, 200, 300), (101, 7, 9)])
def test_equals_the_formulas_of_the_papers_in_either_space(n, dx, dy):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, dx)) + 3
    y = rng.normal(size=(n, dy)) + x[:, :1]
    k, m = linear(x), linear(y)
    assert hsic1_of_song(k, m) == pytest.approx(np.sum(u_centred(k) * u_centred(m)) / (n * (n - 3)), rel=1e-9)
    groups = deal(n, None)
    for debiased, oracle in ((True, debiased_cka), (False, biased_cka)):
        features = feature_space.terms(*(feature_space.layer(z, groups, debiased=debiased) for z in (x, y)), debiased=debiased)
        gram = gram_space.terms(
            *(gram_space.kernel(gram_space.linear_gram(z), groups, debiased=debiased) for z in (x, y)), debiased=debiased
        )
        for terms in (features, gram):
            assert terms.cka[0] == pytest.approx(oracle(k, m), abs=1e-12)
            for g in range(groups.max() + 1):
                kept = groups != g
                assert terms.cka[1 + g] == pytest.approx(oracle(linear(x[kept]), linear(y[kept])), abs=1e-11)
    assert cka(x, y, kernel="rbf").value == pytest.approx(debiased_cka(rbf(x, 0.5), rbf(y, 0.5)), abs=1e-12)


def test_biased_linear_cka_is_the_cosine_of_centred_squared_distances():
    """What rsatoolbox calls `cosine_cov` on squared Euclidean distances."""
    from scipy.spatial.distance import cdist

    x, y = public_case()
    assert cka(x, y, debiased=False).value == pytest.approx(biased_cka(-cdist(x, x, "sqeuclidean"), -cdist(y, y, "sqeuclidean")), abs=1e-12)


# the null


@pytest.mark.parametrize("kernel", [linear, lambda x: rbf(x, 0.5)])
def test_over_all_permutations_the_null_has_mean_0_and_exactly_this_sd(kernel):
    rng = np.random.default_rng(0)
    k, m = kernel(rng.normal(size=(6, 2))), kernel(rng.exponential(size=(6, 3)))
    orders = [np.array(order) for order in itertools.permutations(range(6))]
    values = np.array([debiased_cka(k, m[np.ix_(order, order)]) for order in orders])
    assert values.mean() == pytest.approx(0, abs=1e-12)
    assert values.std() == pytest.approx(null_sd(6), rel=1e-12)
    biased = np.array([biased_cka(k, m[np.ix_(order, order)]) for order in orders])
    sides = [gram_space.kernel(gram, np.arange(6), debiased=False).shape for gram in (k, m)]
    null = null_of(6, *sides, debiased=False)
    assert biased.mean() == pytest.approx(null.mean, rel=1e-9)
    assert biased.std() == pytest.approx(null.sd, rel=1e-9)


def relu(width):
    weights, offsets = np.random.default_rng(width).normal(size=(5, width)), np.random.default_rng(width + 1).normal(size=width)
    return lambda rng, n: np.maximum(rng.normal(size=(n, 5)) @ weights + offsets, 0)


def gaussian(width):
    return lambda rng, n: rng.normal(size=(n, width))


def decaying(width):
    return lambda rng, n: rng.normal(size=(n, width)) / np.arange(1.0, width + 1)


def one_hot(classes):
    return lambda rng, n: np.eye(classes)[rng.integers(0, classes, size=n)]


def null_draws(make_x, make_y, n, draws=3000):
    """z and closed-form p of independent pairs."""
    rng = np.random.default_rng(n)
    found = []
    for _ in range(draws):
        moments, shapes = [], []
        z = [feature_space.augmented(side - side.mean(axis=0)) for side in (make_x(rng, n), make_y(rng, n))]
        for a, b in ((0, 1), (0, 0), (1, 1)):
            moments.append(hsic(z[a].T @ z[b], n))
        for side in z:
            small = side[:, :-2].T @ side[:, :-2] if side.shape[1] < n else side[:, :-2] @ side[:, :-2].T
            shapes.append(concentration(small))
        score = moments[0] / np.sqrt(moments[1] * moments[2]) / null_sd(n)
        found.append((score, upper_tail(score, np.sqrt(8) * shapes[0] * shapes[1], n)[0]))
    return np.array(found).T


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make_x", "make_y"),
    [
        pytest.param(gaussian(1), gaussian(1), id="scalar-scalar"),
        pytest.param(gaussian(1), gaussian(8), id="scalar-vector"),
        pytest.param(decaying(20), decaying(30), id="low-rank"),
        pytest.param(relu(32), relu(64), id="relu"),
        pytest.param(one_hot(10), relu(64), id="one-hot"),
        pytest.param(gaussian(50), gaussian(60), id="full-rank"),
        pytest.param(gaussian(8), gaussian(300), id="more-columns-than-rows"),
    ],
)
def test_false_positives_stay_within_a_point_of_nominal(make_x, make_y):
    z, p = null_draws(make_x, make_y, n=100)
    assert abs(z.mean()) < 0.07
    assert z.std() == pytest.approx(1, abs=0.12)
    assert abs(np.mean(p <= 0.05) - 0.05) < 0.012
    assert abs(np.mean(p <= 0.01) - 0.01) < 0.006


@pytest.mark.slow
def test_where_the_t_test_alone_would_mislead():
    """Scalars: the tail is a χ² with one degree of freedom (design page: 6.5-8.4 % at 5 %, z > 3.09 in 2.2-2.5 %)."""
    z, p = null_draws(gaussian(1), gaussian(1), n=100)
    by_t = np.array([upper_tail(score, 0.0, 100)[0] for score in z])
    assert np.mean(by_t <= 0.05) > 0.06
    assert 0.015 < np.mean(z > 3.09) < 0.03
    assert np.mean(p <= 0.001) < 0.004


@pytest.mark.parametrize("choice", [{}, {"debiased": False}, {"kernel": "rbf"}, {"kernel": "rbf", "debiased": False}])
def test_closed_form_and_permutations_agree_on_p(choice):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 3))
    y = 0.3 * x[:, :2] + rng.normal(size=(60, 2))
    closed, permuted = cka(x, y, **choice), cka(x, y, **choice, permutations=2000)
    assert permuted.details["p"] == pytest.approx(closed.details["p"], abs=0.02)
    assert permuted.notes[-1].startswith("p is one-sided (more alike than unrelated rows), null: 2000 permutations; two models of one task")
    assert cka(x, y, **choice, permutations=2000).details["p"] == permuted.details["p"]


def test_the_null_is_named_and_differs_with_rank():
    rng = np.random.default_rng(3)
    assert cka(*rng.normal(size=(2, 80))).notes[1].partition(";")[0].endswith("null: moment-matched")
    assert cka(*rng.normal(size=(2, 80, 200))).notes[1].partition(";")[0].endswith("null: t-test")


# the interval


@pytest.mark.slow
@pytest.mark.parametrize(("n", "dx", "dy", "strength"), [(100, 8, 16, 0.5), (400, 8, 16, 0.2), (400, 4, 32, 1.0)])
def test_the_interval_covers(n, dx, dy, strength):
    draw, truth = latent_pair(np.random.default_rng(4), n, dx, dy, strength=strength)
    groups = deal(n, None)
    covered = 0
    for _ in range(1000):
        result = cka(*draw())
        covered += result.low <= truth <= result.high
    assert len(np.unique(groups)) == 20
    assert 0.93 <= covered / 1000 <= 0.98


@pytest.mark.slow
def test_whole_days_cover_where_rows_do_not():
    days = np.repeat(np.arange(40), 12)
    draw, truth = latent_pair(np.random.default_rng(5), 480, 6, 8)
    by_day = by_row = 0
    for _ in range(500):
        x, y = draw(days)
        whole, rows = cka(x, y, blocks=days), cka(x, y)
        by_day += whole.low <= truth <= whole.high
        by_row += rows.low <= truth <= rows.high
    assert 0.925 <= by_day / 500 <= 0.98
    assert by_row / 500 < 0.8
    assert whole.n == 20
    assert "p" not in whole.details
    assert whole.notes[1] == "rows come in blocks: no p, as the null supposes that all rows could change places"


def test_blocks_stay_whole_and_even():
    blocks = np.repeat(np.arange(30), np.random.default_rng(6).integers(1, 50, size=30))
    groups = deal(len(blocks), blocks)
    assert all(len(np.unique(groups[blocks == block])) == 1 for block in range(30))
    sizes = np.bincount(groups)
    assert sizes.max() < 2 * sizes.mean()


# traps of the design page, by number


@pytest.mark.parametrize("kind", ["features", "gram"])
def test_trap_1_a_mean_far_above_the_spread(kind):
    """Un-centred float32 Gram matrices lose everything: peers give 0.000 where 0.177 is true."""
    rng = np.random.default_rng(7)
    shape = ((3000, 300), (3000, 200)) if kind == "features" else ((150, 3000), (150, 900))
    shared = rng.normal(size=(shape[0][0], 20))
    x, y = (shared @ rng.normal(size=(20, s[1])) + 4 * rng.normal(size=s) for s in shape)
    for mean in (0, 10, 1e3):
        x32, y32 = ((side + mean * side.std()).astype(np.float32) for side in (x, y))
        assert features_are_cheaper(len(x), x.shape[1:], y.shape[1:]) == (kind == "features")
        truth = cka(x32.astype(np.float64), y32.astype(np.float64)).value
        assert cka(x32, y32).value == pytest.approx(truth, abs=1e-6)
    assert truth == pytest.approx(cka(x, y).value, abs=1e-3)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e6, 1e-300, 1e300])
@pytest.mark.parametrize("shape", [(50, 5), (50, 500)])
def test_trap_4_no_absolute_epsilon(scale, shape):
    x = np.random.default_rng(8).normal(size=shape)
    assert cka(x, scale * x).value == pytest.approx(1, abs=1e-9)
    assert cka(scale * x, scale * x, debiased=False).value == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_trap_4_in_single_precision(scale):
    x = (scale * np.random.default_rng(9).normal(size=(2500, 300))).astype(np.float32)
    assert cka(x, x).value == pytest.approx(1, abs=1e-9)


def test_trap_5_negative_values_are_kept():
    rng = np.random.default_rng(10)
    values = [cka(*rng.normal(size=(2, 50, 10))).value for _ in range(50)]
    assert 10 < sum(value < 0 for value in values) < 40


@pytest.mark.slow
def test_trap_6_few_rows_and_many_columns():
    rng = np.random.default_rng(11)
    pairs = [rng.normal(size=(2, 128, 2048)) for _ in range(12)]
    debiased = [cka(*pair) for pair in pairs]
    biased = cka(*pairs[0], debiased=False)
    assert biased.value == pytest.approx(0.941, abs=0.004)
    assert biased.details["chance"] == pytest.approx(biased.value, abs=0.004)
    assert np.mean([m.value for m in debiased]) == pytest.approx(0, abs=0.012)
    assert all(abs(m.value) < 4 * m.details["null_sd"] for m in debiased)
    assert debiased[0].details["null_sd"] == pytest.approx(0.0112, abs=1e-4)


@pytest.mark.parametrize("columns", [20, 200])
def test_trap_14_one_shared_outlier_is_told(columns):
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(100, columns)), rng.normal(size=(100, 30))
    x[7] = y[7] = 100.0
    biased, debiased = cka(x, y, debiased=False), cka(x, y)
    assert biased.value > 0.9
    assert abs(debiased.value) < 0.3
    without = np.arange(100) != 7
    influence = biased.value - cka(x[without], y[without], debiased=False).value
    assert biased.details["largest_influence"] == pytest.approx(influence, abs=1e-9)
    assert biased.notes[-1] == f"row 7 alone moves the value by {influence:+.3f}: look at it"


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_in_single_precision_interval_null_and_influence_are_those_of_float64(scale):
    rng = np.random.default_rng(22)
    shared = rng.normal(size=(2500, 20))
    x, y = ((shared @ rng.normal(size=(20, d)) + 4 * rng.normal(size=(2500, d)) + 9).astype(np.float32) for d in (300, 250))
    x[11] *= 8
    y[11] *= 8
    x *= np.float32(scale)
    for blocks in (None, np.arange(2500) // 7):
        single, double = cka(x, y, blocks=blocks), cka(x.astype(np.float64), y.astype(np.float64), blocks=blocks)
        assert single.value == pytest.approx(double.value, abs=3e-7)
        assert single.notes == double.notes
        assert single.details.keys() == double.details.keys()
        for name, value in single.details.items():
            assert value == pytest.approx(double.details[name], rel=1e-3, abs=1e-12), name


def test_the_biased_value_of_large_float32_features_is_that_of_the_definition():
    """tr(KHLH) over its norms, from centred features; the debiased value lies far below, near 0."""
    x, y = np.random.default_rng(25).normal(size=(2, 2500, 300)).astype(np.float32)
    a, b = (side.astype(np.float64) - side.mean(axis=0, dtype=np.float64) for side in (x, y))
    due = np.sum((a.T @ b) ** 2) / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    assert due > 0.1
    assert cka(x, y, debiased=False).value == pytest.approx(due, abs=1e-6)
    assert abs(cka(x, y).value) < 0.02


@pytest.mark.parametrize("times", [20, 300])
def test_rows_far_out_take_float64(times):
    rng = np.random.default_rng(24)
    x, y = rng.normal(size=(2, 2500, 300)).astype(np.float32)
    y += x
    x[11] *= times
    y[11] *= times
    assert cka(x, y).value == pytest.approx(cka(x.astype(np.float64), y.astype(np.float64)).value, abs=1e-12)


def test_the_influence_of_a_row_is_told_of_traces_too():
    from kdprobe.core.registry import find
    from kdprobe.probes._cases import feature_pair

    rng = np.random.default_rng(23)
    for columns in (5, 300):
        x, y = rng.normal(size=(100, columns)), rng.normal(size=(100, 6))
        x[7] = y[7] = 10.0
        probed, direct = find("probes", "cka")(*feature_pair(x, y)), cka(x, y)
        assert probed.details["largest_influence"] == pytest.approx(direct.details["largest_influence"], rel=1e-9)
        assert probed.notes[-1] == direct.notes[-1]
        assert probed.details["largest_influence"] > 0.01


def test_trap_16_the_bandwidth_matters_and_is_told():
    x, y = public_case()
    narrow, wide = cka(x, y, kernel="rbf", bandwidth=0.2), cka(x, y, kernel="rbf", bandwidth=5)
    assert abs(narrow.value - wide.value) > 0.1
    assert wide.notes[0] == "debiased RBF CKA, bandwidth 5 of the root of the median squared distance"
    # a wide bandwidth is a linear kernel
    assert cka(x, y, kernel="rbf", bandwidth=1e4).value == pytest.approx(cka(x, y).value, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [1.0, 0.8])
def test_trap_17_width_alone_changes_cka_and_the_correction_takes_that_back(shared):
    """A wide and a narrow random projection of one latent, against a view of a latent that has some of it (Chun et al. 2025)."""
    rng = np.random.default_rng(13)
    n, latent = 400, 30
    spectrum = 1 / np.sqrt(np.arange(1.0, latent + 1))
    # what the population says for any number of columns: the latents' own CKA
    truth = shared**2

    def view(z, width):
        return (z * spectrum) @ rng.normal(size=(latent, width))

    rows = []
    for _ in range(40):
        z = rng.normal(size=(n, latent))
        other = shared * z + np.sqrt(1 - shared**2) * rng.normal(size=(n, latent))
        reference, wide, narrow = view(other, 400), view(z, 400), view(z, 16)
        rows.append([cka(reference, side, correct_widths=corrected) for corrected in (False, True) for side in (wide, narrow)])
    plain_wide, plain_narrow, wide, narrow = np.array([[m.value for m in row] for row in rows]).mean(axis=0)
    assert plain_wide - plain_narrow > 0.1
    assert wide == pytest.approx(truth, abs=0.02)
    assert narrow == pytest.approx(truth, abs=0.06)
    # the wide one's value lies within the narrow one's interval once corrected, and beyond it before
    assert np.mean([row[3].low <= row[2].value <= row[3].high for row in rows]) >= 0.9
    assert np.mean([row[1].low <= row[0].value <= row[1].high for row in rows]) == 0.0
    for side in (2, 3):
        assert np.mean([row[side].low <= truth <= row[side].high for row in rows]) >= 0.85
    assert np.mean([row[1].low <= truth <= row[1].high for row in rows]) <= 0.05


def test_without_each_column_is_what_it_says():
    rng = np.random.default_rng(21)
    x, y = (rng.normal(size=(80, 3)) @ rng.normal(size=(3, d)) + 0.3 * rng.normal(size=(80, d)) for d in (5, 8))
    layers = [feature_space.layer(side, deal(80, None)) for side in (x, y)]
    terms = width_correction.corrected_terms(*layers, feature_space.terms(*layers))
    for column, value in enumerate(width_correction._without_each_column(*layers, terms)):
        assert value == pytest.approx(cka(np.delete(x, column, axis=1), y, correct_widths=True).value, rel=1e-9)


def test_width_correction_equals_the_sum_over_different_columns():
    rng = np.random.default_rng(14)
    x, y = (rng.normal(size=(60, 3)) @ rng.normal(size=(3, d)) + 0.3 * rng.normal(size=(60, d)) for d in (5, 8))

    def own(side):
        d = side.shape[1]
        pairs = [hsic1_of_song(linear(side[:, [i]]), linear(side[:, [j]])) for i in range(d) for j in range(d) if i != j]
        return d / (d - 1) * np.sum(pairs)

    truth = hsic1_of_song(linear(x), linear(y)) / np.sqrt(own(x) * own(y))
    corrected = cka(x, y, correct_widths=True)
    assert corrected.value == pytest.approx(truth, rel=1e-10)
    plain = cka(x, y)
    assert corrected.details["z"] == pytest.approx(plain.details["z"], rel=1e-9)
    assert corrected.details["p"] == pytest.approx(plain.details["p"], rel=1e-9)


def test_trap_20_the_estimator_is_called_debiased():
    assert cka(*public_case()).notes[0] == "debiased linear CKA"
    assert cka(*public_case(), debiased=False).notes[0] == "biased linear CKA"


@pytest.mark.parametrize("choice", [{}, {"debiased": False}])
@pytest.mark.parametrize("columns", [3, 300])
def test_trap_21_constant_features(choice, columns):
    refusal = cka(np.full((50, columns), 0.1), np.random.default_rng(15).normal(size=(50, 3)), **choice)
    assert (refusal.reason, refusal.advice) == ("x is constant: CKA is 0/0", "leave it out")


def test_a_single_row_that_differs_is_no_spread():
    x = np.zeros((50, 2))
    x[3] = 1
    assert cka(np.random.default_rng(16).normal(size=50), x).reason == "y varies in a single row only: CKA is 0/0"
    assert "the median distance between rows of y is 0" in cka(np.arange(50.0), x, kernel="rbf").reason


# input


@pytest.mark.parametrize(
    ("x", "y", "choice", "error", "text"),
    [
        ([[1.0], [np.nan]] * 5, np.ones(10), {}, DataError, "x holds NaN or an infinity, first in row 1: drop or mend these rows"),
        (np.ones(10), np.r_[np.ones(9), np.inf], {}, DataError, "y holds NaN or an infinity, first in row 9: drop or mend these rows"),
        (np.ones(10), np.ones(9), {}, DataError, "x has 10 rows, y 9: rows must be paired, one sample a row"),
        (np.arange(3.0), np.arange(3.0), {}, DataError, "x and y have 3 rows: give at least 4"),
        (np.ones((5, 0)), np.ones(5), {}, DataError, "x has shape (5, 0): give at least one row and one column"),
        (["a"] * 9, np.ones(9), {}, DataError, "x has dtype <U1: give real numbers"),
        (np.ones(9), np.ones(9), {"kernel": "rfb"}, PlanError, "kernel='rfb' is unknown: did you mean 'rbf'? Known: linear, rbf"),
        (np.ones(9), np.ones(9), {"kernel": "rbf", "bandwidth": 0}, PlanError, "bandwidth=0: give a share of the median distance above 0"),
        (np.ones(9), np.ones(9), {"correct_widths": True, "debiased": False}, PlanError, "goes with the debiased linear kernel only"),
        (np.ones(9), np.ones(9), {"correct_widths": True}, PlanError, "correct_widths=True and x has 1 columns: give at least 3"),
        (np.ones(9), np.ones(9), {"permutations": 9, "blocks": np.arange(9)}, PlanError, "permutations=9 with blocks: rows of different"),
        (
            np.ones(9),
            np.ones(9),
            {"blocks": np.arange(8)},
            DataError,
            "blocks has shape (8,), the arrays have 9 rows: give one label a row",
        ),
    ],
)
def test_errors_name_the_argument_and_the_next_step(x, y, choice, error, text):
    with pytest.raises(error) as caught:
        cka(x, y, **choice)
    assert text in str(caught.value)


def test_few_rows_and_one_block_are_refused():
    rng = np.random.default_rng(17)
    assert cka(*rng.normal(size=(2, 7, 2))).reason == "7 rows are too few for CKA and its interval"
    assert isinstance(cka(*rng.normal(size=(2, 8, 2))), Measurement)
    assert cka(*rng.normal(size=(2, 20, 2)), blocks=np.zeros(20)).reason == "1 block cannot give an interval"


def test_spatial_features_are_flattened_and_that_is_told():
    x = np.random.default_rng(18).normal(size=(30, 4, 3, 3))
    result = cka(x, x.reshape(30, -1))
    assert result.value == pytest.approx(1)
    assert result.notes[1] == "x (30, 4, 3, 3) was flattened to 30 rows of 36 columns: each position counts as a unit"


def test_tensors_of_any_kind_give_what_arrays_give():
    torch = pytest.importorskip("torch")
    x, y = public_case()
    want = cka(x, y).value
    assert cka(torch.tensor(x, requires_grad=True), torch.tensor(y)).value == want
    assert cka(torch.tensor(x).bfloat16(), torch.tensor(y)).value == pytest.approx(want, abs=0.01)
    assert cka(torch.tensor(x).T.contiguous().T, y[::-1][::-1]).value == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("choice", [{}, {"debiased": False}, {"kernel": "rbf"}, {"correct_widths": True}])
def test_hostile_arrays_give_a_value_or_a_refusal_without_a_warning(choice):
    from kdprobe.testing.probes import hostile_changes

    rng = np.random.default_rng(19)
    x = rng.normal(size=(40, 4))
    y = x @ rng.normal(size=(4, 5)) + 0.3 * rng.normal(size=(40, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, change in hostile_changes():
            result = cka(change(x, 0), change(y, 1), **choice)
            assert isinstance(result, Measurement | Refusal), name
            for rows in (4, 5, 8, 9):
                assert isinstance(cka(change(x, 0)[:rows], change(y, 1)[:rows], **choice), Measurement | Refusal), name


def test_float32_that_float32_cannot_hold_falls_back_to_float64():
    rng = np.random.default_rng(20)
    x, y = rng.normal(size=(2, 2500, 300)).astype(np.float32)
    y += x
    x[5] *= 1e25
    truth = cka(x.astype(np.float64), y.astype(np.float64))
    got = cka(x, y)
    assert type(got) is type(truth)
    assert got.value == truth.value
