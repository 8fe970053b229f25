"""mutual_information: known answers, and each known way to be wrong."""

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.cluster import KMeans
from sklearn.metrics import mutual_info_score

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.information import interval
from kdprobe.measures.information.mutual_information import _fingerprint, mutual_information
from kdprobe.measures.information.nearest_neighbours import ksg1
from kdprobe.testing.worlds import information as worlds


def gaussian_pair(rho=0.7, n=1000, seed=0):
    return worlds.bivariate_normal(rho).draw(np.random.default_rng(seed), n)


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9])
@pytest.mark.parametrize("estimator", ["auto", "ksg1", "ksg2", "mixed", "gaussian", "surrogate"])
def test_gaussian_in_nats(rho, estimator):
    result = mutual_information(*gaussian_pair(rho, 2000), estimator=estimator)
    truth = -0.5 * np.log(1 - rho**2)  # in bits it would be 1.44 times that
    assert result.unit == "nats"
    assert result.status == "ok"
    assert result.value == pytest.approx(truth, abs=0.06)
    assert result.low < result.value < result.high


def test_independence_is_not_cut_at_zero():
    values = [mutual_information(*gaussian_pair(0.0, 300, seed)).value for seed in range(12)]
    assert min(values) < 0 < max(values)
    assert abs(np.mean(values)) < 0.03


@pytest.mark.parametrize(
    "world",
    [
        worlds.additive_noise(0.3),
        worlds.student(1, 1, 1),
        worlds.bimodal(0.6),
        worlds.transformed(worlds.bivariate_normal(0.6), "wiggly", worlds.wiggly_x, worlds.wiggly_y),
        worlds.transformed(
            worlds.transformed(worlds.bivariate_normal(), "CDF", ndtr, ndtr), "roll", worlds.swiss_roll, lambda y: y, dim_x=2
        ),
        worlds.multinormal_pairs(3, 3),
        worlds.student(2, 2, 2),
        worlds.multinormal_dense(6, 6),
        worlds.multinormal_pairs(12, 12),
        worlds.student(5, 5, 2),
    ],
    ids=lambda world: world.name,
)
def test_known_worlds(world):
    result = mutual_information(*world.draw(np.random.default_rng(1), 2500))
    assert result.status == "ok"
    assert result.value == pytest.approx(world.information, abs=0.1)
    assert result.kind == ("bracket" if max(world.dim_x, world.dim_y) > 3 else "estimate")
    assert result.low <= world.information <= result.high + 0.05


def test_spiral_is_flagged_where_the_model_misses_it():
    world = worlds.spiralled(worlds.multinormal_pairs(5, 5))
    result = mutual_information(*world.draw(np.random.default_rng(0), 2500))
    assert result.status == "unresolved"
    assert result.kind == "lower_bound"
    # the Gaussian alone would have read .35
    assert result.details["model"] < 0.5
    assert 0.6 < result.value < world.information + 0.05


def test_two_separate_radii_are_no_common_one():
    """X and Y independent, each heavy-tailed: a Student copula over both would read a quarter of a nat."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(3000, 5)) / np.sqrt(rng.chisquare(2, (3000, 1)) / 2) for _ in range(2))
    result = mutual_information(x, y)
    assert result.status == "unresolved"
    assert result.details["model"] > 0.15
    assert result.low <= 0.01
    assert result.value < result.details["model"]


def test_information_in_a_direction_of_small_variance_is_kept():
    """PCA to 90 % of the variance would drop the one column that matters."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 5)) * [10, 10, 10, 10, 0.01]
    y = x[:, 4:] / 0.01 + rng.normal(size=(2000, 1))
    assert mutual_information(x, y).value == pytest.approx(0.5 * np.log(2), abs=0.06)


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_scale_and_shift_of_columns_change_nothing(dim):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, dim))
    y = x + rng.normal(size=(400, dim))
    value = mutual_information(x, y).value
    assert mutual_information(1e4 * x + 1e6, 1e-12 * y).value == pytest.approx(value, abs=1e-6)
    assert mutual_information(np.exp(x), y**3).value == pytest.approx(value, abs=1e-6)


def test_redundant_columns_change_little():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(800, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = logits[:, 0] + rng.normal(size=800)
    whole, part = mutual_information(p, y), mutual_information(p[:, :2], y)
    assert whole.details["columns_x"] == 3
    assert whole.details["rank_x"] == 2
    assert whole.value == pytest.approx(part.value, abs=0.08)


@pytest.mark.parametrize("offset", [0, 10, 100])
def test_half_precision_is_not_information(offset):
    """With an offset of 100, half precision has 16 steps a unit of spread, and KSG reads the steps: 1.25 where .34 is true."""
    x, y = gaussian_pair(0.7, 3000)
    x, y = (x + offset).astype(np.float16), (y + offset).astype(np.float16)
    truth = -0.5 * np.log(1 - 0.49)
    naive = mutual_information(x, y, estimator="ksg1")
    assert naive.status == "ties"
    assert offset < 100 or naive.value > truth + 0.15
    result = mutual_information(x, y)
    assert result.status == "ok"
    assert result.value == pytest.approx(truth, abs=0.05)
    assert "the ties are broken at random" in result.notes[-1]


def test_units_at_zero():
    """ReLU: half the rows tie. The truth is H-weighted: I(relu; y) by a large contingency of both."""
    rng = np.random.default_rng(0)
    big_x = rng.normal(size=400_000)
    big_y = 0.8 * big_x + 0.6 * rng.normal(size=400_000)
    cells_x, cells_y = (np.digitize(v, np.quantile(v[v > 0], np.linspace(0, 1, 41))) for v in (np.maximum(big_x, 0), big_y))
    cells_y = np.digitize(big_y, np.quantile(big_y, np.linspace(0, 1, 81)))
    table = np.histogram2d(cells_x, cells_y, bins=(np.arange(43), np.arange(83)))[0] / 400_000
    inside = table > 0
    truth = float((table * np.log(np.where(inside, table, 1) / np.where(inside, np.outer(table.sum(1), table.sum(0)), 1))).sum())
    result = mutual_information(np.maximum(big_x[:3000], 0), big_y[:3000])
    assert "mixed" in result.notes[0]
    assert result.status == "ok"
    assert result.value == pytest.approx(truth, abs=0.05)


def test_saturated_probabilities():
    rng = np.random.default_rng(0)
    margin = 30 * rng.normal(size=2000)
    p = (1 / (1 + np.exp(-margin))).astype(np.float32)
    assert (p == 1).mean() > 0.2
    result = mutual_information(p, (margin > 0).astype(int))
    assert result.value == pytest.approx(np.log(2), abs=0.03)


def test_explicit_estimators_say_when_rows_are_tied():
    x, y = gaussian_pair(0.7, 500)
    result = mutual_information(np.round(x, 1), y, estimator="ksg1")
    assert result.status == "ties"
    assert "use 'auto' or 'mixed'" in result.notes[-1]
    assert mutual_information(np.round(x, 1), y, estimator="mixed").status == "ok"


@pytest.mark.parametrize("as_classes", [int, float])
def test_discrete_against_continuous(as_classes):
    world = worlds.uniform_mixture(5)
    x, y = world.draw(np.random.default_rng(0), 1500)
    result = mutual_information(x.astype(as_classes), y)
    assert result.value == pytest.approx(world.information, abs=0.05)
    assert mutual_information(y, x.astype(as_classes)).value == pytest.approx(result.value, abs=0.05)
    assert result.details["cap"] == pytest.approx(np.log(5), abs=0.01)


def test_plug_in_bias_of_many_classes():
    rng = np.random.default_rng(0)
    result = mutual_information(rng.integers(0, 100, 1000), rng.integers(0, 100, 1000))
    assert abs(result.value) < 0.06
    assert result.status == "unresolved"  # the plug-in estimate would have read 2.26
    assert result.details["chance"] > 2.2


def test_classes_against_many_columns_are_a_lower_bound():
    logits, labels = worlds.calibrated_classes(np.random.default_rng(0), 1500, classes=5, scale=2.0)
    result = mutual_information(logits, labels)
    assert result.kind == "lower_bound"
    assert result.value == pytest.approx(worlds.calibrated_information(5, 2.0), abs=0.08)


@pytest.mark.parametrize("estimator", ["auto", "ksg1", "ksg2", "gaussian", "surrogate"])
def test_deterministic_maps_are_infinite(estimator):
    x = np.random.default_rng(0).normal(size=600)
    result = mutual_information(x, np.tanh(x), estimator=estimator)
    assert isinstance(result, Refusal)
    assert "infinite" in result.reason
    assert "usable_information" in result.advice


@pytest.mark.parametrize("dim", [2, 12])
def test_deterministic_maps_of_many_columns_are_infinite(dim):
    x = np.random.default_rng(0).normal(size=(600, dim))
    assert isinstance(mutual_information(x, np.tanh(x)), Refusal)


def test_a_deterministic_map_gains_log_4_from_four_times_the_rows():
    """What the refusal rests on."""
    x = np.random.default_rng(0).normal(size=(4000, 1))
    gain = ksg1(x, -x, 5).mean() - ksg1(x[:1000], -x[:1000], 5).mean()
    assert gain == pytest.approx(np.log(4), abs=0.05)


def test_what_is_not_there_has_an_error_all_the_same():
    """Each row twice, the second time with the other side's sign turned: no row shares anything, and yet 2nI is chi-squared."""
    rng = np.random.default_rng(3)
    n, dx, dy = 400, 4, 5
    x, y = rng.normal(size=(n // 2, dx)), rng.normal(size=(n // 2, dy))
    found = mutual_information(np.concatenate([x, x + 1e-9]), np.concatenate([y, -y]), estimator="gaussian")
    # sd of chi-squared with dx·dy degrees of freedom, by 2n
    assert found.details["error"] == pytest.approx(np.sqrt(2 * dx * dy) / (2 * n), rel=0.05)


def test_near_the_cap_is_said():
    x, _ = gaussian_pair(0.0, 400)
    y = x + 0.012 * np.random.default_rng(1).normal(size=x.shape)
    result = mutual_information(x, y, estimator="ksg1")
    assert result.status == "capped"
    assert result.notes[-1] == "400 rows cannot show much more: the value is near the most that the estimator can give"
    # the noise is a share .012 of the standard deviation
    assert result.low < -np.log(0.012) < result.high


def test_too_few_rows_for_a_model():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 60))
    y = x + rng.normal(size=(150, 60))
    result = mutual_information(x, y)
    assert result.kind == "lower_bound"
    assert result.status == "unresolved"
    assert "150 rows are too few for a model of 120 columns" in result.notes[0]
    refused = mutual_information(x, y, estimator="gaussian")
    assert isinstance(refused, Refusal)
    assert "at least 240 are needed" in refused.reason


def test_curves_permutations_and_additivity():
    x, y = gaussian_pair(0.7, 800)
    result = mutual_information(x, y, curves=True, permutations=19)
    assert [at for at, _ in result.curves["n"]] == [100, 200, 400, 800]
    assert [at for at, _ in result.curves["k"]] == [1, 2, 3, 5, 10, 20, 50]
    assert result.details["additivity"] == pytest.approx(1.0, abs=0.15)
    assert result.details["p"] == 0.05
    assert any("only whether the information is zero" in note for note in result.notes)
    assert mutual_information(*gaussian_pair(0.0, 800), permutations=19).details["p"] > 0.05


def test_additivity_shows_what_is_not_resolved():
    world = worlds.multinormal_pairs(8, 8, pairs=8)
    result = mutual_information(*world.draw(np.random.default_rng(0), 600), curves=True)
    assert result.details["additivity"] < 0.7


def test_same_answer_again_and_no_global_randomness():
    x, y = gaussian_pair(0.5, 300)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert mutual_information(x, y) == mutual_information(x, y)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_disjoint_parts_share_no_row():
    seen = []
    interval.disjoint_spread(lambda rows: seen.append(rows) or 0.0, 103, np.random.default_rng(0))
    for start in range(0, len(seen), 4):
        assert sorted(np.concatenate(seen[start : start + 4])) == list(range(103))


def test_disjoint_spread_is_right_for_a_mean():
    values = np.random.default_rng(0).normal(size=(300, 200))
    found = [interval.disjoint_spread(lambda rows, v=v: v[rows].mean(), 200, np.random.default_rng(1)).variance for v in values]
    assert np.mean(found) == pytest.approx(1 / 200, rel=0.08)


def test_bias_that_is_left_widens_the_interval():
    x, y = worlds.additive_noise(0.05).draw(np.random.default_rng(0), 400)
    result = mutual_information(x, y, estimator="ksg1")
    assert result.details["drift"] > 0.05
    assert "the interval holds the bias that is left" in result.notes[0]
    assert result.high - result.value > 1.5 * (result.value - result.low)


def test_surrogates_of_other_data_are_other_surrogates():
    """Their noise, shared by all calls, would stand in a mean over many as a bias: at ρ = .9 and 1,000 rows one of .02 nats."""
    world = worlds.bivariate_normal(0.9)
    found = [mutual_information(*world.draw(np.random.default_rng(seed), 400)) for seed in range(40)]
    errors = np.array([m.value for m in found]) - world.information
    assert abs(errors.mean()) < 3.5 * errors.std(ddof=1) / np.sqrt(40)
    x, y = world.draw(np.random.default_rng(0), 400)
    assert _fingerprint(1e4 * x + 1) == _fingerprint(x) != _fingerprint(y)


def test_constant_side_tells_nothing():
    result = mutual_information(np.ones(60), np.arange(60.0))
    assert isinstance(result, Measurement)
    assert (result.low, result.value, result.high) == (0, 0, 0)
    assert result.notes == ("x is constant: it tells nothing",)


@pytest.mark.parametrize(
    ("x", "y", "options", "error", "text"),
    [
        (np.r_[np.nan, np.zeros(59)], np.arange(60.0), {}, DataError, "x holds NaN or an infinity, first in row 0"),
        (np.arange(60.0), np.arange(61.0), {}, DataError, "x has 60 rows, y 61: rows must be paired"),
        (np.arange(49.0), np.arange(49.0), {}, DataError, "x and y have 49 rows: give at least 50"),
        (np.arange(60.0), np.arange(60.0), {"estimator": "ksg"}, PlanError, "estimator='ksg' is unknown: did you mean 'ksg1' or 'ksg2'"),
        (np.arange(60.0), np.arange(60.0), {"neighbours": 7}, PlanError, "neighbours=7 does not suit 60 rows: give a number from 1 to 6"),
        (np.arange(60.0), np.arange(60.0), {"neighbours": 0}, PlanError, "neighbours=0: give the number of neighbours, at least 1"),
        (np.arange(60.0), np.arange(60.0), {"estimator": "ross"}, PlanError, "needs classes on one side, 0 of x and y are"),
    ],
)
def test_bad_input(x, y, options, error, text):
    with pytest.raises(error, match=text):
        mutual_information(x, y, **options)


def test_columns_that_nearly_repeat_keep_what_they_differ_by():
    """Mixed with a condition number of a thousand, ranks of the columns would lose a third of the information, and say 'ok'."""
    rng = np.random.default_rng(0)
    x, y = worlds.multinormal_pairs(5, 5).draw(rng, 2000)
    turns = [np.linalg.qr(rng.normal(size=(5, 5)))[0] for _ in range(2)]
    for condition in (1e2, 1e3, 1e6):
        mixed = x @ (turns[0] * np.geomspace(1, 1 / condition, 5) @ turns[1])
        assert mutual_information(mixed, y).value == pytest.approx(1.02, abs=0.08)
    assert mutual_information(x[:, :1] + [0, 1e-3] * x[:, :2], y[:, :2]).value == pytest.approx(1.02, abs=0.08)


def test_a_bootstrap_with_replacement_repeats_rows_and_is_not_used():
    x, y = gaussian_pair(0.75, 1000)
    rows = np.random.default_rng(0).integers(0, 1000, 1000)
    assert ksg1(x[rows], y[rows], 3).mean() > ksg1(x, y, 3).mean() + 0.2
    result = mutual_information(x, y)
    assert result.high - result.value < 0.1


def test_units_at_zero_in_many_columns_are_no_single_number():
    """One row in ten is all zeros on both sides: raw neighbours in twelve columns would read a number, far too low."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1500, 6))
    x = np.maximum(z, 0) * (rng.random(1500) < 0.9)[:, None]
    y = np.maximum(z + 0.3 * rng.normal(size=z.shape), 0) * (x.sum(axis=1) > 0)[:, None]
    result = mutual_information(x, y)
    assert result.kind != "estimate"
    assert result.status == "unresolved"
    assert result.value > 1.5 * mutual_information(x, y, estimator="mixed").value


@pytest.mark.parametrize("theta", [0.5, 2.0])
def test_gamma_exponential(theta):
    world = worlds.gamma_exponential(theta)
    result = mutual_information(*world.draw(np.random.default_rng(0), 3000))
    assert result.status == "ok"
    assert result.value == pytest.approx(world.information, abs=0.05)


def test_clusters_cannot_tell_more_than_the_logarithm_of_their_number():
    """Information by clustering into k groups ends at log k, whatever is there; no estimator here clusters."""
    rng = np.random.default_rng(0)
    x, y = worlds.multinormal_pairs(2, 2, strength=7.0).draw(rng, 1500)
    truth = worlds.multinormal_pairs(2, 2, strength=7.0).information
    groups = [KMeans(8, n_init=1, random_state=0).fit_predict(side) for side in (x, y)]
    clustered = mutual_info_score(*groups)
    assert clustered < np.log(8) < 0.7 * truth
    assert mutual_information(x, y).value == pytest.approx(truth, rel=0.1)
