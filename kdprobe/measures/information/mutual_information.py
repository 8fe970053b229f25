"""Mutual information of two sides, with an interval, or a bracket, or a refusal."""

import zlib
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
from scipy.special import digamma

from kdprobe.core.arguments import choice, seed_number, switch, whole
from kdprobe.core.errors import PlanError
from kdprobe.core.result import Curve, Measurement, Refusal, Result
from kdprobe.measures.arrays import as_matrix, check_rows
from kdprobe.measures.information.continuous import (
    INFINITE,
    INFINITE_SLOPE,
    LOW_DIMENSION,
    contrastive,
    gaussian,
    high_dimensional,
    judged,
    low_dimensional,
)
from kdprobe.measures.information.discrete import discrete_information, entropy
from kdprobe.measures.information.interval import disjoint_spread
from kdprobe.measures.information.nearest_neighbours import ksg1, ksg2, mixed
from kdprobe.measures.information.sides import Raw, Variable, VariablePair, mean_of
from kdprobe.measures.information.usable_classes import feature_losses, folds_of, prior_losses
from kdprobe.measures.information.usable_information import from_terms
from kdprobe.measures.threads import single_threaded

Estimator = Literal["auto", "ksg1", "ksg2", "mixed", "ross", "gaussian", "surrogate", "infonce", "bracket"]
LEAST_ROWS = 50


@single_threaded
def mutual_information(
    x: Any,
    y: Any,
    *,
    estimator: Estimator = "auto",
    neighbours: int = 5,
    curves: bool = False,
    permutations: int = 0,
    seed: int = 0,
) -> Result:
    """Estimate the mutual information I(X; Y) in nats.

    Which estimator answers depends on the data, and the result's notes say which it was:

    * both sides continuous with up to 3 columns each (after dropping redundant ones): KSG on the normal scores of the ranks, with its
      bias measured on surrogates of a fitted elliptical copula whose information is known. With one column each, where the estimate
      still falls as neighbours are added (noise that ends abruptly, tails with few rows in reach), it is extrapolated to none:
      `details["extrapolated"]` is the step;
    * more columns: a bracket. Its value is that of the elliptical copula (Gaussian or Student t, bias-corrected), its lower end what
      rows show that nothing was learned from: the information of learned features, or InfoNCE of a learned critic, whichever was higher
      on rows kept aside. Where a sample of the model looks different from the data, the status is "unresolved";
    * classes against up to 3 continuous columns: Ross's estimator; classes against classes: counts without their chance agreement;
      classes against more columns: the held-out usable information, a lower bound;
    * sides where many rows share a value (units at zero, saturated probabilities): Gao's mixed estimator. Ties from rounding (half
      precision) are broken at random first.

    Ranks make the answer blind to the scale and to any increasing transformation of the columns. An estimate of zero information may
    come out slightly negative; it is not cut at zero, so that averages stay unbiased.

    Parameters
    ----------
    x, y
        (n, dx) and (n, dy), or (n,), rows paired, n ≥ 50. A side is a set of classes where it has at most n / 10 distinct rows, real
        numbers at most 20.
    estimator
        "auto", or one estimator by name: "ksg1", "ksg2", "mixed", "ross" (one side must be classes), "gaussian", "surrogate", "infonce" (a
        lower bound), "bracket".
    neighbours
        k of the nearest-neighbour estimators. Smaller is less biased, larger less noisy.
    curves
        Also give the estimate by number of rows ("n") and by number of neighbours ("k"), and the additivity I([X, X']; [Y, Y']) / 2 I in
        the details, X' and Y' being the same pairs in another order: 1 where the estimate is resolved. These speak of the raw
        nearest-neighbour estimator, and cost about ten times the value.
    permutations
        Number of permuted samples for details["p"], one-sided. A small p says that the information is not zero, and nothing else.
    seed
        Of surrogates and subsamples, together with the ranks of the data: the same input gives the same answer.

    Returns
    -------
    Measurement or Refusal
        In nats. The interval comes from disjoint subsamples and speaks of new rows. Status: "ok"; "unresolved" (more rows would change the
        value, it was extrapolated by more than .2 nats, or the model behind it does not fit); "capped" (near the most that k neighbours
        among n rows can show, `details["cap"]`); "ties" (an estimator for continuous data was asked for and the rows have ties). A Refusal
        where the information is infinite: X and Y fix each other, as the outputs of two deterministic networks do.

    Raises
    ------
    DataError
        NaN or infinities, unpaired rows, fewer than 50 rows.
    PlanError
        An unknown estimator, or a number of neighbours that the rows cannot give.

    Notes
    -----
    O(n log n) for up to 10 columns in all, O(n² d) beyond. About 0.7 s for two columns and 1 to 2 s for more at n = 4,000; 3 s for
    two layers of 128 columns.

    References
    ----------
    Kraskov et al. 2004, arXiv:cond-mat/0305641; Ross 2014, doi 10.1371/journal.pone.0087357; Gao et al. 2017, arXiv:1709.06212;
    Zhu et al. 2014, doi 10.1103/PhysRevE.90.052714; Holmes and Nemenman 2019, arXiv:1903.09280; van den Oord et al. 2018,
    arXiv:1807.03748; Czyż et al. 2023, arXiv:2306.11078.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=1000)
    >>> y = 0.8 * x + 0.6 * rng.normal(size=1000)  # correlation .8: -½ log(1 - .8²) = .511 nats
    >>> print(mutual_information(x, y))
    0.492 nats [0.419, 0.591]
    >>> print(mutual_information(x, np.tanh(x)).reason[:32])
    X and Y fix each other as far as
    """
    choice("estimator", estimator, get_args(Estimator))
    curves, seed = switch("curves", curves), seed_number(seed)
    neighbours = whole("neighbours", neighbours, least=1, advice="give the number of neighbours, at least 1, such as 5")
    permutations = whole("permutations", permutations, least=0, advice="give 0, for no p, or a number such as 1000")
    x, y = as_matrix(x, "x"), as_matrix(y, "y")
    n = check_rows(x, y, "x", "y", least=LEAST_ROWS)
    if not 1 <= neighbours < n // 8:
        raise PlanError(f"neighbours={neighbours!r} does not suit {n} rows: give a number from 1 to {n // 8 - 1}")
    # surrogates' noise is in the interval, so that other data must meet other noise: else it would not average out over many calls
    rng = np.random.default_rng([seed, _fingerprint(x), _fingerprint(y)])
    for name, side in (("x", x), ("y", y)):
        if (side == side[0]).all():
            note = f"{name} is constant: it tells nothing"
            return Measurement(value=0.0, low=0.0, high=0.0, n=n, unit="nats", details={"rows": n}, notes=(note,))
    pair = VariablePair(Variable(x), Variable(y))
    result = _answer(pair, estimator, neighbours, rng)
    if isinstance(result, Refusal) or not (curves or permutations):
        return result
    return _with_requests(result, pair, neighbours, curves, permutations, rng)


def _fingerprint(values: np.ndarray) -> int:
    """Number that the order of each column decides, blind to scale."""
    return zlib.crc32(np.argsort(values, axis=0, kind="stable").tobytes())


_BY_NAME = {"gaussian": gaussian, "surrogate": low_dimensional, "infonce": contrastive, "bracket": high_dimensional}


def _answer(pair: VariablePair, estimator: Estimator, k: int, rng: np.random.Generator) -> Result:
    if estimator == "auto":
        pair.break_ties(rng)
        sides = pair.sides()
        if any(pair.classes) or (pair.heaped and sides.low_dimensional):
            result = _discrete_or_heaped(pair, k, rng)
        else:
            result = (low_dimensional if sides.low_dimensional else high_dimensional)(sides, k, rng)
        return replace(result, notes=(*result.notes, *pair.notes)) if isinstance(result, Measurement) else result
    sides = pair.sides()
    if estimator == "ross":
        if sum(pair.classes) != 1:
            raise PlanError(f"estimator='ross' needs classes on one side, {sum(pair.classes)} of x and y are: use 'auto'")
        return _discrete_or_heaped(pair, k, rng)
    if estimator in ("ksg1", "ksg2", "mixed"):
        result = _from_neighbours(
            sides.x, sides.y, mean_of({"ksg1": ksg1, "ksg2": ksg2, "mixed": mixed}[estimator]), k, rng, sides.details(k), ()
        )
    else:
        result = _BY_NAME[estimator](sides, k, rng)
    if isinstance(result, Measurement) and estimator not in ("mixed", "infonce") and (pair.x.tied or pair.y.tied):
        note = f"rows are tied, and {estimator!r} is for continuous data: use 'auto' or 'mixed'"
        return replace(result, status="ties", notes=(*result.notes, note))
    return result


def _discrete_or_heaped(pair: VariablePair, k: int, rng: np.random.Generator) -> Result:
    if all(pair.classes):
        return discrete_information(pair.x.labels, pair.y.labels, rng)
    a, b, raw, name = pair.neighbour_form()
    details = {"neighbours": k, "columns_x": pair.x.columns, "columns_y": pair.y.columns, "rank_x": pair.x.rank, "rank_y": pair.y.rank}
    if not any(pair.classes):
        details["cap"] = float(digamma(pair.n) - digamma(k))
        return _from_neighbours(a, b, raw, k, rng, details, ("rows share a value: mixed estimator",))
    continuous, classes = (pair.y, pair.x) if pair.x.classes else (pair.x, pair.y)
    details["cap"] = entropy(classes.labels)
    if continuous.rank > LOW_DIMENSION:
        seed = int(rng.integers(2**31))
        folds = folds_of(classes.labels, seed)
        losses = feature_losses(continuous.scores, classes.labels, folds, "linear", seed)
        floor = from_terms(prior_losses(classes.labels, folds) - losses)
        note = "classes against many columns: held-out usable information of a linear probe, a lower bound"
        return replace(floor, kind="lower_bound", details={**details, **floor.details}, notes=(*floor.notes, note))
    return _from_neighbours(a, b, raw, k, rng, details, (f"classes on one side: {name} estimator",))


def _from_neighbours(
    a: np.ndarray, b: np.ndarray, raw: Raw, k: int, rng: np.random.Generator, details: dict[str, float], notes: tuple[str, ...]
) -> Result:
    """Raw estimate with its interval and status."""
    value = raw(a, b, k)
    spread = disjoint_spread(lambda rows: raw(a[rows], b[rows], k), len(a), rng)
    drift = value - spread.quarter
    error = float(np.sqrt(spread.variance))
    continuous = details["cap"] == float(digamma(len(a)) - digamma(k))
    if continuous and drift / np.log(4) > INFINITE_SLOPE:
        return INFINITE
    status, low, high, notes = judged(value, error, drift, details["cap"] - 1 if continuous else np.inf, len(a), notes)
    details = {**details, "drift": drift, "error": error}
    return Measurement(value=value, low=low, high=high, n=len(a), unit="nats", status=status, details=details, notes=notes)


def _with_requests(
    result: Measurement, pair: VariablePair, k: int, curves: bool, permutations: int, rng: np.random.Generator
) -> Measurement:
    """Add curves and additivity, and the permutation p, of the raw nearest-neighbour estimator."""
    a, b, raw, name = pair.neighbour_form()
    details, found, notes = dict(result.details), dict(result.curves), [*result.notes]
    value = raw(a, b, k)
    if permutations:
        null = np.array([raw(a, b[rng.permutation(pair.n)], k) for _ in range(permutations)])
        details["p"] = float((1 + np.sum(null >= value)) / (1 + permutations))
        notes.append("p is one-sided, from permuted rows, and says only whether the information is zero")
    if curves:
        parts = [m for m in (8, 4, 2) if pair.n // m >= max(LEAST_ROWS, 4 * k)]
        by_rows = [(pair.n / m, float(np.mean([raw(a[r], b[r], k) for r in np.array_split(rng.permutation(pair.n), m)]))) for m in parts]
        found["n"] = _curve([*by_rows, (pair.n, value)])
        found["k"] = _curve([(q, raw(a, b, q)) for q in (1, 2, 3, 5, 10, 20, 50) if q < pair.n // 8])
        other = rng.permutation(pair.n)
        doubled = raw(np.hstack([a, a[other]]), np.hstack([b, b[other]]), k) if name != "ross" else None
        if doubled is not None and value > 0:
            details["additivity"] = doubled / (2 * value)
        notes.append(f"curves and additivity are those of the raw estimator ({name})")
    return replace(result, details=details, curves=found, notes=tuple(notes))


def _curve(points: list[tuple[float, float]]) -> Curve:
    return tuple((float(at), float(value)) for at, value in points)
