"""Procrustes, canonical correlations, RSA and neighbourhoods against slow formulas, public values and other packages; their nulls, their
intervals, their refusals."""

import itertools
import warnings

import numpy as np
import pytest
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.distance import cdist, pdist
from scipy.stats import hypergeom, spearmanr

import kdprobe
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.cka.hsic import deal
from kdprobe.measures.similarity import canonical, cca, neighbours, rsa
from kdprobe.stats.intervals import from_left_out
from tests.measures.similarity_oracles import public_case

FUNCTIONS = {name: getattr(kdprobe, name) for name in ("procrustes", "cca", "svcca", "pwcca", "rsa", "mutual_knn", "neighbourhood_jaccard")}


# written from the definitions, slowly


def slow_procrustes(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.norm(x.T @ y, "nuc") / np.linalg.norm(x) / np.linalg.norm(y)


def slow_correlations(x, y):
    """By the eigenvalues of Σxx⁻¹ Σxy Σyy⁻¹ Σyx (Hotelling 1936)."""
    x, y = x - x.mean(0), y - y.mean(0)
    product = np.linalg.solve(x.T @ x, x.T @ y) @ np.linalg.solve(y.T @ y, y.T @ x)
    values = np.sort(np.linalg.eigvals(product).real)[::-1][: min(x.shape[1], y.shape[1])]
    return np.sqrt(np.clip(values, 0, 1))


def slow_cca(x, y):
    return slow_correlations(x, y).mean()


def slow_svcca(x, y, kept=None):
    def leading(z, count):
        z = z - z.mean(0)
        values, vectors = np.linalg.eigh(np.cov(z.T))
        values, vectors = values[::-1], vectors[:, ::-1]
        count = count or int(np.argmax(np.cumsum(values) / values.sum() >= 0.99)) + 1
        return z @ vectors[:, :count]

    a, b = leading(x, kept and kept[0]), leading(y, kept and kept[1])
    return slow_correlations(a, b).mean(), (a.shape[1], b.shape[1])


def slow_pwcca(x, y):
    """Morcos et al. 2018, with h from the generalised eigenvectors."""
    x, y = x - x.mean(0), y - y.mean(0)
    product = np.linalg.solve(x.T @ x, x.T @ y) @ np.linalg.solve(y.T @ y, y.T @ x)
    values, vectors = np.linalg.eig(product)
    order = np.argsort(values.real)[::-1][: min(x.shape[1], y.shape[1])]
    h = x @ vectors[:, order].real
    weights = np.abs((h / np.linalg.norm(h, axis=0)).T @ x).sum(axis=1)
    return weights @ np.sqrt(np.clip(values[order].real, 0, 1)) / weights.sum()


def slow_rsa(x, y, metric="correlation", compare=lambda a, b: np.corrcoef(a, b)[0, 1]):
    return compare(pdist(x, metric), pdist(y, metric))


def slow_neighbours(x, k):
    distances = cdist(x, x)
    np.fill_diagonal(distances, np.inf)
    return [set(row) for row in np.argsort(distances, axis=1)[:, :k]]


def slow_knn(x, y, k=10):
    return np.mean([len(a & b) / k for a, b in zip(slow_neighbours(x, k), slow_neighbours(y, k), strict=True)])


def slow_jaccard(x, y, k=10):
    return np.mean([len(a & b) / len(a | b) for a, b in zip(slow_neighbours(x, k), slow_neighbours(y, k), strict=True)])


def spearman(a, b):
    return spearmanr(a, b).statistic


CASES = {
    "procrustes": (kdprobe.procrustes, slow_procrustes),
    "cca": (kdprobe.cca, slow_cca),
    "pwcca": (kdprobe.pwcca, slow_pwcca),
    "rsa": (kdprobe.rsa, slow_rsa),
    "rsa, Spearman, Euclidean": (
        lambda x, y, **rest: kdprobe.rsa(x, y, distance="euclidean", comparison="spearman", **rest),
        lambda x, y: slow_rsa(x, y, "euclidean", spearman),
    ),
    "rsa, cosine, cosine": (
        lambda x, y, **rest: kdprobe.rsa(x, y, distance="cosine", comparison="cosine", **rest),
        lambda x, y: slow_rsa(x, y, "cosine", lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)),
    ),
    "rsa, squared Euclidean": (
        lambda x, y, **rest: kdprobe.rsa(x, y, distance="squared euclidean", **rest),
        lambda x, y: slow_rsa(x, y, "sqeuclidean"),
    ),
    "mutual_knn": (kdprobe.mutual_knn, slow_knn),
    "neighbourhood_jaccard": (kdprobe.neighbourhood_jaccard, slow_jaccard),
}


def related(n=70, dx=4, dy=6, seed=0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 3))
    return tuple(shared @ rng.normal(size=(3, d)) + rng.normal(size=(n, d)) + 2 for d in (dx, dy))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(4, 6), (7, 3), (1, 2)])
def test_value_and_jackknife_are_those_of_the_definition(name, shape):
    measure, slow = CASES[name]
    if shape == (1, 2) and "rsa" in name and "uclidean" not in name:
        pytest.skip("one column has no correlation or angle")
    x, y = related(dx=shape[0], dy=shape[1])
    found = measure(x, y, permutations=0)
    assert found.value == pytest.approx(slow(x, y), abs=1e-8)
    groups = deal(len(x), None)
    without = np.array([slow(x[groups != g], y[groups != g]) for g in range(20)])
    assert found.details["error"] == pytest.approx(from_left_out(slow(x, y), without, np.bincount(groups)).error, rel=1e-5)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("name", ["cca", "pwcca"])
def test_a_direction_of_one_group_alone_is_gone_without_it(name):
    """A ReLU that is on in a few rows: without them its column is constant, and the definition holds of the others."""
    measure, slow = CASES[name]
    x, y = related()
    groups = deal(len(x), None)
    x = np.column_stack([x, np.where((groups == 3) & (np.arange(len(x)) < 30), 1.0 + x[:, 0] ** 2, 0.0)])
    found = measure(x, y, permutations=0)
    assert found.value == pytest.approx(slow(x, y), abs=1e-8)
    without = np.array([slow(x[groups != g][:, : 5 - (g == 3)], y[groups != g]) for g in range(20)])
    assert found.details["error"] == pytest.approx(from_left_out(slow(x, y), without, np.bincount(groups)).error, rel=1e-5)


def test_a_side_that_varies_in_one_group_alone_is_refused():
    x, y = related()
    x = np.where((deal(len(x), None) == 3)[:, None], x, 1.0)
    for measure in (kdprobe.cca, kdprobe.pwcca, kdprobe.svcca):
        assert "undefined" in measure(x, y, permutations=0).reason


def test_svcca_keeps_fewer_directions_where_a_group_took_one_away():
    x, y = related(dx=2)
    lonely = np.zeros(len(x))
    lonely[[3, 23]] = 1e4, -2e4  # both in group 3, and all but all of the variance
    found = kdprobe.svcca(np.column_stack([x, lonely]), y, variance=1.0, permutations=0)
    assert found.details["kept_x"] == 3
    assert found.low < found.value < found.high


def test_svcca_is_what_its_definition_gives_with_as_many_directions_as_it_says():
    rng = np.random.default_rng(1)
    x, y = related(n=90, dx=8, dy=9)
    x, y = x * 0.5 ** np.arange(8), y * 0.6 ** np.arange(9)
    found = kdprobe.svcca(x, y, permutations=0)
    value, kept = slow_svcca(x, y)
    assert kept == (found.details["kept_x"], found.details["kept_y"])
    assert kept[0] < 8
    assert found.value == pytest.approx(value, abs=1e-9)
    groups = deal(90, None)
    without = np.array([slow_svcca(x[groups != g], y[groups != g], kept)[0] for g in range(20)])
    assert found.details["error"] == pytest.approx(from_left_out(value, without, np.bincount(groups)).error, rel=1e-6)
    order = rng.permutation(90)
    assert kdprobe.svcca(x, y, variance=1.0).details["kept_x"] == 8
    assert kdprobe.svcca(x[order], y[order]).value == pytest.approx(value, abs=1e-9)


# public values and other packages' numbers, on the public case (seed 1337)


def test_mean_squared_cca_of_the_public_case():
    """It is published without centring: a mirrored copy of all rows makes the mean 0 and changes nothing else."""
    x, y = public_case()
    assert kdprobe.cca(np.r_[x, -x], np.r_[y, -y], squared=True).value == pytest.approx(0.54312, abs=5e-6)


def test_procrustes_is_that_of_scipy_and_its_angle_is_a_metric():
    x, y = public_case()
    found = kdprobe.procrustes(x, y)
    assert found.details["squared_distance"] == pytest.approx(scipy_procrustes(x, y)[2], abs=1e-12)
    assert found.value == pytest.approx(np.sqrt(1 - scipy_procrustes(x, y)[2]), abs=1e-12)
    rng = np.random.default_rng(2)
    for _ in range(30):
        a, b, c = (rng.normal(size=(12, d)) ** 3 for d in (2, 3, 5))
        ab, bc, ac = (kdprobe.procrustes(*pair, permutations=0).details["angle"] for pair in ((a, b), (b, c), (a, c)))
        assert ac <= ab + bc + 1e-12


def test_rsa_gives_what_rsatoolbox_gives():
    """rsatoolbox 0.3.2: rdm.compare(calc_rdm(Dataset(X), method=m), calc_rdm(Dataset(Y), method=m), method=...).

    Its "euclidean" is squared.
    """
    x, y = public_case()
    for distance, numbers in {
        "correlation": {"pearson": 0.4851461428, "cosine": 0.9485748280, "spearman": 0.4724396738},
        "squared euclidean": {"pearson": 0.5062321116, "cosine": 0.9277705490, "spearman": 0.4929646967},
    }.items():
        for comparison, value in numbers.items():
            found = kdprobe.rsa(x, y, distance=distance, comparison=comparison, permutations=0)
            assert found.value == pytest.approx(value, abs=1e-9)
            assert found.notes[0].startswith(f"RSA, {distance} distances compared by ")


def test_cka_gives_what_ckatorch_rsatoolbox_and_dcor_give():
    """ckatorch 1.0.3 cka_base(X, Y, kernel=..., unbiased=..., threshold=0.5); rsatoolbox 0.3.2 compare(method="cosine_cov") on its
    "euclidean" distances; dcor 0.7 u_distance_correlation_sqr(X, Y), which is debiased CKA with minus the distance for a kernel.
    """
    x, y = public_case()
    assert kdprobe.cka(x, y, debiased=False).value == pytest.approx(0.5576132566, abs=1e-9)
    assert kdprobe.cka(x, y).value == pytest.approx(0.5134564895, abs=1e-9)
    # ckatorch's bandwidth is torch.median, the lower of the two middle distances; ours lies between them
    assert kdprobe.cka(x, y, kernel="rbf", debiased=False).value == pytest.approx(0.6548522355, abs=5e-5)
    assert kdprobe.cka(x, y, kernel="rbf").value == pytest.approx(0.4192594165, abs=5e-5)
    from kdprobe.measures.cka import gram_space

    kernels = [gram_space.kernel(-cdist(side, side), deal(100, None)) for side in (x, y)]
    assert gram_space.terms(*kernels).cka[0] == pytest.approx(0.5020825832638851, abs=1e-12)


# nulls


def test_the_null_of_rsa_is_exact_over_all_permutations():
    rng = np.random.default_rng(3)
    a, b = (cdist(z, z) for z in (rng.exponential(size=(6, 2)), rng.exponential(size=(6, 3))))
    orders = [np.array(order) for order in itertools.permutations(range(6))]
    for centre in (True, False):
        null, permuted = rsa._null(a, b, centre=centre)
        values = np.array([permuted(order) for order in orders])
        assert values.mean() == pytest.approx(null.mean, abs=1e-12)
        assert values.std() == pytest.approx(null.sd, rel=1e-12)
        upper = np.triu_indices(6, 1)
        u, v = a[upper], b[np.ix_(orders[5], orders[5])][upper]
        plain = np.corrcoef(u, v)[0, 1] if centre else u @ v / np.linalg.norm(u) / np.linalg.norm(v)
        assert permuted(orders[5]) == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_the_null_of_shared_neighbours_is_exact_over_all_permutations(ties):
    rng = np.random.default_rng(4)
    sides = rng.exponential(size=(7, 2)), rng.normal(size=(7, 1))
    if ties:
        sides[0][:4] = sides[0][0]
    graphs = [neighbours.graph(neighbours.candidates(side, 6), 2) for side in sides]
    assert all(np.allclose(graph.sum(axis=1), 2) for graph in graphs)
    values, jaccard = [], []
    for order in itertools.permutations(range(7)):
        shared = np.asarray(graphs[0].multiply(graphs[1][list(order)][:, list(order)]).sum(axis=1)).ravel()
        values.append(np.mean(shared / 2))
        jaccard.append(np.mean(shared / (4 - shared)))
    assert np.mean(values) == pytest.approx(2 / 6, rel=1e-12)
    assert np.std(values) == pytest.approx(neighbours.share_null_sd(*graphs, 2), rel=1e-12)
    if not ties:
        assert np.mean(jaccard) == pytest.approx(hypergeom(6, 2, 2).pmf([0, 1, 2]) @ [0, 1 / 3, 1], rel=1e-12)


def test_the_null_of_squared_cca_is_exact_over_all_permutations():
    rng = np.random.default_rng(5)
    x, y = (canonical.decomposed(rng.exponential(size=(7, d))) for d in (2, 3))
    null = cca._squared_null(x, y)
    values = [
        np.sum((x.rows.T @ y.rows[list(order)]) ** 2) / 2 for order in itertools.permutations(range(7))
    ]  # mean of two squared correlations
    assert np.mean(values) == pytest.approx(null["chance"], rel=1e-9)
    assert np.mean(values) == pytest.approx(3 / 6, rel=1e-9)
    assert np.std(values) == pytest.approx(null["null_sd"], rel=1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_permutations_give_the_null_that_is_known(name):
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(60, 3)), rng.exponential(size=(60, 4))
    found = FUNCTIONS[name](x, y, permutations=999)
    again = FUNCTIONS[name](x, y, permutations=999)
    assert found == again
    assert abs(found.details["z"]) < 4
    # what a permutation gives is what the function gives on permuted rows
    order = np.random.default_rng(0).permutation(60)
    single = FUNCTIONS[name](x, y[order], permutations=0).value
    draws = FUNCTIONS[name](x, y, permutations=1).details["p"]
    assert draws == (1.0 if single >= found.value - 1e-12 else 0.5)
    assert found.notes[1].startswith("p is one-sided (more alike than unrelated rows), null: 999 permutations")
    assert FUNCTIONS[name](x, y, permutations=0).notes[1] == "no permutations: no p"
    assert "p" not in FUNCTIONS[name](x, y, permutations=0).details


@pytest.mark.slow
@pytest.mark.parametrize("name", ["procrustes", "cca", "rsa", "mutual_knn"])
@pytest.mark.parametrize("widths", [(1, 1), (3, 40)], ids=["scalars", "vectors"])
def test_p_of_unrelated_rows_is_uniform(name, widths):
    if name == "rsa":
        widths = (3, widths[1] + 2)
    if name == "cca":
        widths = (1, min(widths[1], 9))
    rng = np.random.default_rng(7)
    p = np.array([FUNCTIONS[name](*(rng.standard_t(3, size=(30, d)) for d in widths), permutations=19).details["p"] for _ in range(400)])
    # within 3.3 standard errors of the nominal share
    for nominal in (0.05, 0.25, 0.5):
        assert abs(np.mean(p <= nominal + 1e-9) - nominal) < 3.3 * np.sqrt(nominal * (1 - nominal) / 400)


# intervals


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_interval_covers_what_the_estimator_gives_on_average(name):
    """Of these only: none is unbiased. Canonical correlations and neighbours move more when rows are left out than when they are drawn."""
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(3, 5)), rng.normal(size=(3, 7))

    def draw():
        shared = rng.normal(size=(100, 3))
        return shared @ a + rng.normal(size=(100, 5)), shared @ b + rng.normal(size=(100, 7))

    found = [FUNCTIONS[name](*draw(), permutations=0) for _ in range(200)]
    centre = np.mean([result.value for result in found])
    covered = np.mean([result.low <= centre <= result.high for result in found])
    assert 0.9 <= covered <= 1.0
    assert np.mean([r.details["error"] for r in found]) == pytest.approx(np.std([r.value for r in found]), rel=0.5)


def test_blocks_are_left_out_whole_and_give_no_p():
    x, y = related(n=80)
    days = np.repeat(np.arange(16), 5)
    for name, measure in FUNCTIONS.items():
        found = measure(x, y, blocks=days)
        assert found.n == 16, name
        assert "p" not in found.details
        assert found.notes[1] == "rows come in blocks: no p, as the null supposes that all rows could change places"
        assert measure(x, y, blocks=np.zeros(80)).reason == "1 block cannot give an interval"


# invariances beyond those that the contract checks


def test_which_maps_each_measure_ignores():
    rng = np.random.default_rng(9)
    x, y = related(n=60)
    mixed = x @ (np.eye(4) + 0.3 * rng.normal(size=(4, 4)))
    for name in ("cca", "svcca"):
        # svcca keeps all of these directions
        assert FUNCTIONS[name](mixed, y, permutations=0).value == pytest.approx(FUNCTIONS[name](x, y, permutations=0).value, abs=1e-9)
    assert kdprobe.pwcca(x, y @ rng.normal(size=(6, 6))).value == pytest.approx(kdprobe.pwcca(x, y).value, abs=1e-9)
    for name in ("procrustes", "rsa", "mutual_knn", "pwcca"):
        assert abs(FUNCTIONS[name](mixed, y, permutations=0).value - FUNCTIONS[name](x, y, permutations=0).value) > 1e-3
    assert abs(kdprobe.pwcca(y, x).value - kdprobe.pwcca(x, y).value) > 1e-3


# traps


def test_trap_18_cca_with_as_many_columns_as_rows_is_refused():
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(40, 40)), rng.normal(size=(40, 3))
    for name in ("cca", "pwcca"):
        for pair in ((x, y), (y, x)):
            refusal = FUNCTIONS[name](*pair)
            assert "has 40 columns on 40 rows: it can be fitted to anything" in refusal.reason
            assert "cka or procrustes" in refusal.advice
    together = kdprobe.cca(x[:, :25], rng.normal(size=(40, 14)))
    assert together.reason.startswith("the sides span 25 and 14 directions of 40 rows, 38 without a group")
    assert kdprobe.svcca(x, rng.normal(size=(40, 40))).value is None
    # few directions in many columns are not as many as rows
    assert kdprobe.cca(y @ rng.normal(size=(3, 60)), y).value == pytest.approx(1, abs=1e-9)


def test_trap_19_all_are_similarities():
    """1 for a side with itself, and less for what has less in common with it."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(120, 4))
    near, far = x + 0.1 * rng.normal(size=x.shape), x + 2 * rng.normal(size=x.shape)
    for name, measure in FUNCTIONS.items():
        own, one, other = (measure(x, side, permutations=0).value for side in (x, near, far))
        assert own == pytest.approx(1, abs=1e-9), name
        assert own > one > other, name
        assert available("probes")[name].bounds[1] == 1


def test_trap_21_constant_features_are_refused():
    rng = np.random.default_rng(12)
    for measure in FUNCTIONS.values():
        refusal = measure(np.full((50, 3), 0.1), rng.normal(size=(50, 3)))
        assert (refusal.reason, refusal.advice) == ("x is constant: it has no shape to compare", "leave it out")
        assert measure(rng.normal(size=50), np.ones(50)).reason == "y is constant: it has no shape to compare"
        assert isinstance(measure(rng.normal(size=(7, 2)), rng.normal(size=(7, 2))), Refusal)


def test_trap_22_nan_is_refused_with_its_row_and_in_traces_with_its_layer():
    rng = np.random.default_rng(13)
    x, y = rng.normal(size=(2, 50, 3))
    bad = y.copy()
    bad[17, 1] = np.inf
    for measure in FUNCTIONS.values():
        with pytest.raises(DataError, match="y holds NaN or an infinity, first in row 17: drop or mend these rows"):
            measure(x, bad)
    from kdprobe.probes._cases import feature_pair

    with pytest.raises(DataError, match="teacher: hidden holds NaN or an infinity, first in row 17"):
        feature_pair(x, bad)


def test_neighbours_that_tie_are_not_shared_by_the_order_of_the_rows():
    """Dead units: half of the rows lie on one point in either layer, not the same half. Taking the first of them would make them alike."""
    rng = np.random.default_rng(14)
    n = 200
    x, y = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    dead = [rng.permutation(n)[: n // 2] for _ in range(2)]
    x[dead[0]], y[dead[1]] = -1, -1
    found = kdprobe.mutual_knn(x, y)
    order = rng.permutation(n)
    assert kdprobe.mutual_knn(x[order], y[order]).value == pytest.approx(found.value, abs=1e-12)
    assert abs(found.details["z"]) < 3.5
    assert kdprobe.mutual_knn(x, x).value < 0.6
    first = [np.argsort(cdist(z, z) + np.diag(np.full(n, np.inf)), axis=1, kind="stable")[:, :10] for z in (x, y)]
    by_order = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*first, strict=True)])
    assert by_order > found.value + 0.03


def test_neighbours_in_pieces_are_those_of_all_rows_at_once(monkeypatch):
    x, y = related(n=90)
    whole = kdprobe.mutual_knn(x, y), kdprobe.neighbourhood_jaccard(x, y)
    monkeypatch.setattr(neighbours, "CHUNK", 700)
    assert (kdprobe.mutual_knn(x, y), kdprobe.neighbourhood_jaccard(x, y)) == whole


def test_neighbours_of_one_block_are_found_beyond_it():
    """All ten nearest rows of a row, and twenty more, lie in its own block."""
    rng = np.random.default_rng(15)
    days = np.repeat(np.arange(6), 60)
    x = days[:, None] * 100 + rng.normal(size=(360, 2))
    found = kdprobe.mutual_knn(x, x + 1e-9, blocks=days)
    assert found.value == pytest.approx(1, abs=1e-9)
    assert found.n == 6


def test_too_many_ties_are_refused(monkeypatch):
    monkeypatch.setattr(neighbours, "MOST", 1000)
    refusal = kdprobe.mutual_knn(np.repeat([0.0, 1.0], 100), np.arange(200.0))
    assert refusal.reason == "too many rows of x lie at the same distance: 10 nearest ones are hardly determined"


# input


def test_few_rows_and_many_neighbours_are_refused():
    rng = np.random.default_rng(16)
    assert kdprobe.mutual_knn(*rng.normal(size=(2, 20, 2))).reason == "k = 10 neighbours are half or more of the other 19 rows"
    assert isinstance(kdprobe.mutual_knn(*rng.normal(size=(2, 20, 2)), k=5), Measurement)
    blocks = np.r_[np.zeros(25), np.arange(1, 6)]
    assert kdprobe.mutual_knn(*rng.normal(size=(2, 30, 2)), blocks=blocks).reason == "a block of 25 rows leaves fewer than k = 10 others"
    for measure in FUNCTIONS.values():
        assert measure(*rng.normal(size=(2, 6, 2))).reason == "6 rows are too few for a similarity and its interval"


def test_rows_without_a_correlation_are_named():
    rng = np.random.default_rng(17)
    x, y = rng.normal(size=(2, 40, 3))
    x[23] = 0.25
    refusal = kdprobe.rsa(x, y)
    assert refusal.reason == "row 23 of x is constant across its columns: its correlation distance is 0/0"
    assert refusal.advice == "use distance='euclidean', or leave it out"
    x[23] = 0
    assert kdprobe.rsa(x, y, distance="cosine").reason == "row 23 of x is zero: its cosine distance is 0/0"
    assert isinstance(kdprobe.rsa(x, y, distance="euclidean"), Measurement)
    corners = np.eye(12)
    assert kdprobe.rsa(corners, y[:12]).reason == "all distances between rows of a side are equal: there is nothing to compare"
    assert kdprobe.rsa(np.arange(40.0), y).reason.startswith("row 0 of x is constant across its columns")


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("x", "y", "choice", "error", "text"),
    [
        (np.arange(10.0), np.arange(9.0), {}, DataError, "x has 10 rows, y 9: rows must be paired, one sample a row"),
        (np.arange(3.0), np.arange(3.0), {}, DataError, "x and y have 3 rows: give at least 4"),
        (["a"] * 9, np.arange(9.0), {}, DataError, "x has dtype <U1: give real numbers"),
        (np.arange(9.0), np.arange(9.0), {"blocks": np.arange(8)}, DataError, "blocks has shape (8,), the arrays have 9 rows"),
        (np.arange(9.0), np.arange(9.0), {"permutations": -1}, PlanError, "permutations=-1: give 0, for no p, or a number such as 199"),
    ],
)
def test_errors_name_the_argument_and_the_next_step(name, x, y, choice, error, text):
    with pytest.raises(error) as caught:
        FUNCTIONS[name](x, y, **choice)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: kdprobe.svcca(x, x, variance=0), "variance=0: give the share of variance to keep, above 0 and up to 1, such as 0.99"),
        (lambda x: kdprobe.mutual_knn(x, x, k=0), "k=0: give the number of neighbours, at least 1, such as 10"),
        (lambda x: kdprobe.neighbourhood_jaccard(x, x, k=-2), "k=-2: give the number of neighbours, at least 1, such as 10"),
        (lambda x: kdprobe.rsa(x, x, distance="euclid"), "distance='euclid' is unknown: did you mean 'euclidean'"),
        (lambda x: kdprobe.rsa(x, x, comparison="kendall"), "comparison='kendall' is unknown: give one of cosine, pearson, spearman"),
    ],
)
def test_unknown_choices_list_what_there_is(call, text):
    with pytest.raises(PlanError) as caught:
        call(np.random.default_rng(0).normal(size=(40, 3)))
    assert text in str(caught.value)


def test_too_many_rows_for_all_distances_are_refused(monkeypatch):
    monkeypatch.setattr(rsa, "LARGEST_KERNEL", 1000)
    refusal = kdprobe.rsa(*np.random.default_rng(0).normal(size=(2, 40, 3)))
    assert refusal.reason == "40 rows need n × n distances of 0 GB each"


def test_spatial_features_are_flattened_and_that_is_told():
    x = np.random.default_rng(18).normal(size=(60, 2, 2, 2))
    for measure in FUNCTIONS.values():
        found = measure(x, x.reshape(60, -1), permutations=0)
        assert found.value == pytest.approx(1, abs=1e-9)
        assert found.notes[1] == "x (60, 2, 2, 2) was flattened to 60 rows of 8 columns: each position counts as a unit"


def test_tensors_give_what_arrays_give():
    torch = pytest.importorskip("torch")
    x, y = related()
    for measure in FUNCTIONS.values():
        assert measure(torch.tensor(x, requires_grad=True), torch.tensor(y)) == measure(x, y)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6, 1e-300, 1e300])
def test_no_absolute_epsilon(scale):
    x = np.random.default_rng(19).normal(size=(50, 5))
    for name, measure in FUNCTIONS.items():
        assert measure(x, scale * x, permutations=0).value == pytest.approx(1, abs=1e-9), name


@pytest.mark.parametrize("mean", [0.0, 1e3])
def test_float32_with_a_far_mean(mean):
    x, y = related(n=300)
    near, far = ((side + mean * side.std()).astype(np.float32) for side in (x, y))
    for name, measure in FUNCTIONS.items():
        if name == "rsa" and mean:
            continue  # correlation distances of rows that are all but one constant are another question
        whole = measure(near.astype(np.float64), far.astype(np.float64), permutations=0)
        assert measure(near, far, permutations=0).value == pytest.approx(whole.value, abs=1e-6), name


def test_directions_that_are_rounding_alone_do_not_count():
    rng = np.random.default_rng(20)
    x = (rng.normal(size=(200, 3)) @ rng.normal(size=(3, 6)) + 100).astype(np.float32)
    found = kdprobe.cca(x, rng.normal(size=(200, 4)))
    assert found.details["rank_x"] == 3
    assert "x has 6 columns but spans 3 directions: the rest is constant, repeated or rounding" in found.notes


@pytest.mark.parametrize("name", FUNCTIONS)
def test_hostile_arrays_give_a_value_or_a_refusal_without_a_warning(name):
    from kdprobe.testing.probes import hostile_changes

    x, y = related(n=40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for case, change in hostile_changes():
            for rows in (40, 4, 8, 9, 25):
                found = FUNCTIONS[name](change(x, 0)[:rows], change(y, 1)[:rows], permutations=5)
                assert isinstance(found, Measurement | Refusal), case
