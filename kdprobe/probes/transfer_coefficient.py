"""How far the student went from its untaught twins toward a teacher."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Panel, Trace
from kdprobe.measures.transfer.panel import coefficient


def _moved(alpha: float, *, n: int = 20_000) -> KnownAnswer:
    """A share of the teacher in one more twin, whose noise is its own."""

    def make(rng: np.random.Generator) -> tuple[Panel, None]:
        known, own = rng.normal(size=(2, n, 1))
        teacher = known + own
        extra, *twins = known + 0.5 * rng.normal(size=(5, n, 1))
        student, taught_by, *others = (
            Trace.from_raw("regression", values) for values in ((1 - alpha) * extra + alpha * teacher, teacher, *twins)
        )
        return Panel(student=student, teacher=taught_by, twin=others[0], reference_twins=tuple(others[1:])), None

    return KnownAnswer(name=f"{alpha:g} of the teacher in one more twin", make=make, value=alpha, tolerance=0.02)


def _itself(rng: np.random.Generator) -> tuple[Panel, None]:
    teacher, *twins = (
        Trace.from_raw("regression", values) for values in rng.normal(size=(4, 50, 1)) * np.array([3, 1, 1, 1])[:, None, None]
    )
    return Panel(student=teacher, teacher=teacher, twin=twins[0], reference_twins=tuple(twins)), None


def _few(rng: np.random.Generator) -> tuple[Panel, None]:
    panel, _ = _itself(rng)
    return Panel(student=panel.student, teacher=panel.teacher, twin=panel.twin, reference_twins=panel.reference_twins[:2]), None


TRANSFER_COEFFICIENT = Probe(
    name="transfer_coefficient",
    title="Transfer coefficient τ",
    asks="How far did the student go from its untaught twins toward this teacher, from 0 as a twin to 1 as the teacher?",
    measure=coefficient,
    panel=True,
    likeness=True,
    invariant=("row order",),
    truths=(
        *(_moved(alpha) for alpha in (0.0, 0.25, 0.5, 0.75)),
        KnownAnswer(name="the teacher itself", make=_itself, value=1.0),
        KnownAnswer(name="two reference twins are too few", make=_few, value=None),
    ),
    cites="kdprobe.transfer_coefficient",
)
