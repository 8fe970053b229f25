"""τ, the cross-twin transfer coefficient: how far a student went from its untaught twins toward a teacher."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtr

from kdprobe.core.errors import DataError
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.trace import are_probabilities, check_range
from kdprobe.measures.arrays import as_blocks, as_matrix
from kdprobe.measures.transfer.pairwise import LEAST, Placed, References, placed, references, row_means, without_each
from kdprobe.stats.intervals import Interval, from_left_out, jackknife, over_seeds, summed

SPEAKS = "the interval speaks of these weights of student and teacher, on new rows and beside new twins; not of a new training of either"
OWN_ONLY = (
    "without siblings this is no transfer from this teacher: whatever any such teacher, or simply a better network, would give is in it"
)
NO_NULL = "no p: give held_out=, twins that are no reference, or 6 twins or more, half of which are then set apart for it"


class Movement(NamedTuple):
    """τ toward one teacher, in its parts: over rows, and without each twin."""

    numerators: np.ndarray
    """(n,)"""
    denominators: np.ndarray
    """(n,)"""
    left_out: np.ndarray
    """(2, k) mean numerator and denominator without each twin."""

    @property
    def value(self) -> float:
        """τ."""
        return float(self.numerators.sum() / self.denominators.sum())

    @property
    def without_twins(self) -> np.ndarray:
        """τ without each twin (k,)."""
        return self.left_out[0] / self.left_out[1]


def transfer_coefficient(
    student: Any, teacher: Any, twins: Any, *, siblings: Any = None, held_out: Any = None, blocks: Any = None
) -> Measurement | Refusal:
    """How far the student went from its untaught twins toward this teacher: 0 as a twin, 1 as the teacher.

    τ = Σ_{i≠j} ⟨f_S - f_Wi, f_T - f_Wj⟩ / Σ_{i≠j} ⟨f_T - f_Wi, f_T - f_Wj⟩, summed over rows and over pairs of different reference twins
    W. Without pairs of a twin with itself a twin's own noise cancels: for one more untaught twin the numerator is 0 on average.

    Even τ is not transfer by itself: an untaught network that is simply better than the twins has some. With ``siblings``, teachers of the
    same recipe from other seeds, the value is the part that is this teacher's alone.

    Parameters
    ----------
    student, teacher
        (n, c) probabilities of each class (not logits), or predictions, rows paired; (n,) means (n, 1). Targets of different scales should
        be standardised: outputs count by their variance.
    twins
        (k, n, c), k ≥ 3: networks like the student, trained without a teacher from other seeds. A twin that shares its initialisation or
        its order of batches with the student is no reference: its noise is the student's.
    siblings
        (s, n, c) teachers like the teacher, from other seeds. Then ``value`` is τ toward the own teacher less the mean τ toward siblings.
    held_out
        (h, n, c), h ≥ 3: further twins, no references, for the null. Without them, of 6 twins or more the second half is set apart as
        such, for the null alone: the value is read against all.
    blocks
        (n,) labels of rows that belong together.

    Returns
    -------
    Measurement
        ``low``, ``high``: 95 %, of these weights, on new rows and beside new twins (and new siblings, of two or more). ``details``:
        ``own``, ``siblings`` (mean), ``numerator`` and ``denominator`` (mean by row and pair), ``references`` (k), the standard errors
        ``error_rows``, ``error_twins`` and ``error_siblings``; and, where there is a null, ``null_mean``, ``null_sd`` and ``null_twins`` of
        the same value of held-out twins, ``z`` of the student among them and its one-sided ``p``.
        A refusal with fewer than 3 twins, and where a teacher is not distinguishably apart from the twins.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity or has another shape than the student, if some models give probabilities and others do not, or
        if one model is given twice: its noise would not cancel.

    Notes
    -----
    Rows are independent given all models, so a jackknife over them is valid, whole blocks left out. Twins must be *left out*, never drawn
    with replacement: a twin that is drawn twice meets itself, and its noise is back. The two errors add up, which counts what rows and
    twins do together twice: intervals err on the wide side.

    The null is that the student is one more twin. It and the held-out twins are read against the same references, and so are exchangeable
    under the null whatever the teacher; p is that of Student's t for one more of them. Twins that take turns at being reference and student
    are no null: their mean is near 0 by algebra. O((k + h + s) n c).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> known = rng.normal(size=(400, 1))
    >>> teacher = known + rng.normal(size=(400, 1))
    >>> twins = known + 0.3 * rng.normal(size=(8, 400, 1))
    >>> student = 0.5 * teacher + 0.5 * (known + 0.3 * rng.normal(size=(400, 1)))
    >>> found = transfer_coefficient(student, teacher, twins)
    >>> print(found)
    0.479 [0.462, 0.496]
    >>> found.details["p"] < 0.01
    True
    """
    base = as_matrix(student, "student")
    models = {"student": [base], "teacher": [as_matrix(teacher, "teacher")]}
    models |= {name: _several(given, name) for name, given in (("twins", twins), ("siblings", siblings), ("held_out", held_out))}
    _check(models)
    row_blocks = as_blocks(blocks, len(base))
    k = len(models["twins"])
    if k < LEAST:
        return Refusal(
            reason=f"{k} twin{'' if k == 1 else 's'}: pairs of different twins and their spread need {LEAST}",
            advice=f"give {LEAST} or more, trained as the student without a teacher from other seeds",
        )
    if held_out is not None and len(models["held_out"]) < LEAST:
        return Refusal(reason=f"{len(models['held_out'])} held-out twins have no spread to tell", advice=f"give {LEAST} or more")
    # τ depends on no common shift or scale: near 0 and near 1 nothing is lost to rounding, nor beyond the range
    halved = {name: [np.asarray(one, dtype=np.float64) / 2 for one in group] for name, group in models.items()}
    centre = halved["twins"][0]
    scale = max(float(np.abs(one - centre).max()) for group in halved.values() for one in group) or 1.0
    scaled = {name: [(one - centre) / scale for one in group] for name, group in halved.items()}
    found = _measured(scaled, row_blocks, given=held_out is not None, unsure=_is_unsure(models))
    if isinstance(found, Refusal):
        return found
    # a mean of products is in squared units of the outputs
    ends = {name: found.details[name] * (2 * scale) ** 2 for name in ("numerator", "denominator")}
    return replace(found, details={**found.details, **ends})


def movement(student: np.ndarray, teacher: np.ndarray, against: References) -> Movement:
    """τ of one student toward one teacher (n, c), in its parts."""
    return moved(row_means(student, teacher, against), placed(student, against), placed(teacher, against), against)


def moved(above: np.ndarray, student: Placed, teacher: Placed, against: References) -> Movement:
    """The same, where the numerator's rows (n,) and the places of both models are known."""
    below = teacher.squares - against.noise / against.k
    left = without_each(above, student.crossed + teacher.crossed, against), without_each(below, 2 * teacher.crossed, against)
    return Movement(above, below, np.stack(left))


def toward(moves: Sequence[Movement], blocks: np.ndarray | None) -> tuple[Interval, dict[str, float]] | Refusal:
    """τ toward the first teacher, less the mean of those toward the others: with its interval, and each source's standard error."""
    for place, move in enumerate(moves):
        if refusal := _too_near(move, "the teacher" if place == 0 else f"sibling {place}", blocks):
            return refusal
    contributions = np.stack([part for move in moves for part in (move.numerators, move.denominators)], axis=1)
    rows = jackknife(contributions, _contrast, blocks=blocks)
    value, *others = (move.value for move in moves)
    left = moves[0].without_twins
    if others:
        value -= float(np.mean(others))
        left = left - np.mean([move.without_twins for move in moves[1:]], axis=0)
    twins = from_left_out(value, left, np.ones(len(left)))
    parts = {"rows": rows, "twins": twins}
    if len(others) > 1:
        parts["siblings"] = over_seeds(value + float(np.mean(others)) - np.array(others))
    found: list[Interval] = []
    for part in parts.values():
        if isinstance(part, Refusal):
            return part
        found.append(part)
    # half-widths in quadrature (Zou and Donner 2008): with two siblings or three twins Welch's degrees of freedom promise too much
    reach = math.hypot(*((part.high - part.low) / 2 for part in found))
    error = math.hypot(*(part.error for part in found))
    if not math.isfinite(reach):
        return Refusal(reason="the interval is beyond the range of float64", advice="give more twins and siblings")
    interval = Interval(value, value - reach, value + reach, found[0].n, error)
    return interval, {f"error_{name}": part.error for name, part in zip(parts, found, strict=True)}


def _contrast(means: np.ndarray) -> np.ndarray:
    ratios = means[..., ::2] / means[..., 1::2]
    return ratios[..., 0] - (ratios[..., 1:].mean(axis=-1) if ratios.shape[-1] > 1 else 0.0)


def _too_near(move: Movement, name: str, blocks: np.ndarray | None) -> Refusal | None:
    """The refusal of a ratio whose denominator may as well be 0."""
    rows = jackknife(move.denominators, blocks=blocks)
    twins = from_left_out(float(move.denominators.mean()), move.left_out[1], np.ones(move.left_out.shape[1]))
    for part in (rows, twins):
        if isinstance(part, Refusal):
            return part
    assert isinstance(rows, Interval)
    assert isinstance(twins, Interval)
    apart = summed([rows, twins])
    if apart.low > 0 and (move.left_out[1] > 0).all():
        return None
    share = apart.value / abs(apart.high) if apart.high else 0.0
    return Refusal(
        reason=f"{name} is not distinguishably apart from the untaught twins (the squared distance is {share:.2g} of its upper limit, and "
        "may be 0): there is nothing that a student could have moved toward",
        advice="give more rows, more twins, or a teacher that knows more than they do",
    )


def _measured(models: dict[str, list[np.ndarray]], blocks: np.ndarray | None, *, given: bool, unsure: bool) -> Measurement | Refusal:
    (student,), teachers, twins = models["student"], models["teacher"] + models["siblings"], models["twins"]
    against = references(twins)
    with np.errstate(all="ignore"):
        moves = [movement(student, teacher, against) for teacher in teachers]
        found = toward(moves, blocks)
    if isinstance(found, Refusal):
        return found
    interval, errors = found
    others = [move.value for move in moves[1:]]
    details = {"own": moves[0].value} | ({"siblings": float(np.mean(others))} if others else {})
    details |= {"numerator": float(moves[0].numerators.mean()), "denominator": float(moves[0].denominators.mean())}
    details |= {"references": float(len(twins))} | errors
    notes = [SPEAKS] + ([] if others else [OWN_ONLY])
    if len(others) == 1:
        notes.append("one sibling: how much siblings differ is not in the interval, give two or more")
    if unsure:
        notes.append("rows are no probabilities and were read as predictions: of a classifier give probabilities, not logits")
    null = _null(student, teachers, twins, models["held_out"] if given else None)
    details |= null
    notes += [] if null else [NO_NULL]
    return Measurement(value=interval.value, low=interval.low, high=interval.high, n=interval.n, details=details, notes=tuple(notes))


def _null(
    student: np.ndarray, teachers: Sequence[np.ndarray], twins: Sequence[np.ndarray], held_out: Sequence[np.ndarray] | None
) -> dict[str, float]:
    """Where the student lies among twins that are never references; empty where there are too few, or the ratio has no denominator."""
    if held_out is None:
        if len(twins) < 2 * LEAST:
            return {}
        twins, held_out = twins[: len(twins) // 2], twins[len(twins) // 2 :]
    against = references(twins)
    models = np.stack([student, *held_out])
    products = [(row_means(models, teacher, against).mean(axis=-1), row_means(teacher, teacher, against).mean()) for teacher in teachers]
    if any(square <= 0 for _, square in products):
        return {}
    own, *others = [product / square for product, square in products]
    values = own - (np.mean(others, axis=0) if others else 0.0)
    h = len(held_out)
    mean, sd = float(values[1:].mean()), float(values[1:].std(ddof=1))
    if not sd > 0:
        return {}
    t = (float(values[0]) - mean) / (sd * np.sqrt(1 + 1 / h))
    return {"null_mean": mean, "null_sd": sd, "null_twins": float(h), "z": float(t), "p": float(stdtr(h - 1, -t))}


def _several(given: Any, name: str) -> list[np.ndarray]:
    """Several models as a list of (n, c)."""
    if given is None and name != "twins":
        return []
    if given is None or not hasattr(given, "__len__") or isinstance(given, str | bytes | Mapping):
        raise DataError(f"{name} is a single {type(given).__name__}: give an array (models, n, c), or a list of (n, c)")
    if len(given) == 0:
        raise DataError(f"{name} is empty: give an array (models, n, c){'' if name == 'twins' else ', or None where there are none'}")
    return [as_matrix(one, f"{name}[{place}]") for place, one in enumerate(given)]


def _check(models: dict[str, list[np.ndarray]]) -> None:
    """Raise DataError unless all models have the student's shape, say the same kind of thing, and are different models."""
    named = [
        (name if name in ("student", "teacher") else f"{name}[{i}]", one) for name, group in models.items() for i, one in enumerate(group)
    ]
    shape = named[0][1].shape
    for name, one in named:
        if one.shape != shape:
            raise DataError(f"{name} has shape {one.shape}, student {shape}: give all models on the same rows, several as (models, n, c)")
        check_range(one, f"{name}: outputs")
    chances = [shape[1] > 1 and are_probabilities(one) for _, one in named]
    if any(chances) and not all(chances):
        yes, no = named[chances.index(True)][0], named[chances.index(False)][0]
        raise DataError(f"the rows of {yes} are probabilities, those of {no} are not: give probabilities of all models, or of none")
    first: dict[bytes, str] = {}
    for name, one in named:
        key = np.ascontiguousarray(one, dtype=np.float64).tobytes()
        if key in first:
            # a student may well be its teacher: that is the largest transfer there is. Two networks of other roles are an oversight
            if (first[key], name) == ("student", "teacher"):
                continue
            raise DataError(f"{first[key]} and {name} give the same outputs on every row: give each model once")
        first[key] = name


def _is_unsure(models: dict[str, list[np.ndarray]]) -> bool:
    one = models["student"][0]
    return one.shape[1] > 1 and not are_probabilities(one)
