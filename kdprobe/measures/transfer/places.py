"""Where models lie beside reference twins, row by row: what τ is summed from, of outputs that are there or that passed by."""

import numpy as np

from kdprobe.core.trace import Trace
from kdprobe.core.views import Part, Streamed
from kdprobe.measures.rows import inner_products, of_model
from kdprobe.measures.transfer.pairwise import Placed, References, references

Twins = tuple[Trace, ...]


def spread(twins: Twins) -> References:
    """The reference twins' noise (n,), and how far each lies from their mean (k,); their outputs themselves are left out."""
    wholes, nothing = _wholes(twins), np.empty((0, 0))
    rows = of_model(twins[0], ("spread of twins", *wholes), lambda _: _spread_rows(wholes))
    return References([nothing] * len(twins), nothing, rows.sum(axis=1) / (len(twins) - 1), rows.sum(axis=0))


def place(model: Trace, twins: Twins) -> Placed:
    """One model beside its reference twins. O(k n c), once a model."""
    wholes = _wholes(twins)
    rows = of_model(model, ("place beside twins", *wholes), lambda whole: _place_rows(whole, wholes))
    return Placed(rows[:, 0], rows[:, 1], rows[:, 2:].sum(axis=0))


def products(student: Trace, teacher: Trace, twins: Twins) -> np.ndarray:
    """(n,) ⟨student - mean, teacher - mean⟩ of each row, with the mean of the twins."""
    if isinstance(student, Part) and isinstance(teacher, Part):
        wholes, other = _wholes(twins), teacher.whole
        return of_model(student, ("products beside twins", other, *wholes), lambda whole: products(whole, other, wholes))
    if isinstance(student, Streamed):
        mine, theirs, mean = _toward_mean(student, twins), _toward_mean(teacher, twins), _square_of_mean(twins)
        return inner_products(student, teacher) - mine - theirs + mean
    mean = _references(twins).mean
    apart = student.derived(("apart from twins", *twins), lambda trace: trace.outputs - mean)
    # all but one product are known from other pairs
    return np.einsum("nc,nc->n", apart, teacher.outputs) - place(student, twins).along


def _wholes(twins: Twins) -> Twins:
    return tuple(twin.whole if isinstance(twin, Part) else twin for twin in twins)


def _references(twins: Twins) -> References:
    """Read once for all pairs that meet them."""
    return twins[0].derived(("reference twins", *twins), lambda _: references([twin.outputs for twin in twins]))


def _spread_rows(twins: Twins) -> np.ndarray:
    """(n, k) squared distance of each twin from their mean."""
    if isinstance(twins[0], Streamed):
        mean = _square_of_mean(twins)
        return np.stack([inner_products(twin, twin) - 2 * _toward_mean(twin, twins) + mean for twin in twins], axis=1)
    mean = _references(twins).mean
    return np.stack([np.einsum("nc,nc->n", apart := twin.outputs - mean, apart) for twin in twins], axis=1)


def _place_rows(model: Trace, twins: Twins) -> np.ndarray:
    """(n, 2 + k) squared distance from the twins' mean, ⟨model - mean, mean⟩, and ⟨model - mean, twin - mean⟩ of each twin."""
    if isinstance(model, Streamed):
        toward, mean = _toward_mean(model, twins), _square_of_mean(twins)
        crossed = [inner_products(model, twin) - toward - _toward_mean(twin, twins) + mean for twin in twins]
        return np.stack([inner_products(model, model) - 2 * toward + mean, toward - mean, *crossed], axis=1)
    mean = _references(twins).mean
    apart = model.outputs - mean
    along = np.einsum("nc,nc->n", apart, mean)
    crossed = [np.einsum("nc,nc->n", apart, twin.outputs) - along for twin in twins]
    return np.stack([np.einsum("nc,nc->n", apart, apart), along, *crossed], axis=1)


def _toward_mean(model: Trace, twins: Twins) -> np.ndarray:
    """(n,) ⟨model, mean of the twins⟩."""
    return np.mean([inner_products(model, twin) for twin in twins], axis=0)


def _square_of_mean(twins: Twins) -> np.ndarray:
    """(n,) squared length of the twins' mean."""
    return twins[0].derived(("square of the mean", *twins), lambda _: np.mean([_toward_mean(twin, twins) for twin in twins], axis=0))
