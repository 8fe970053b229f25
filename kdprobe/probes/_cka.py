"""Debiased linear CKA of two layers of two traces, with its null and its interval."""

import math

import numpy as np

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.probes._arrays import as_matrix
from kdprobe.probes._hsic import Grouped, cka_with_left_out, deal, grouped
from kdprobe.probes._rows import blocks, check_paired, measured
from kdprobe.stats.intervals import FISHER, from_left_out, too_few

OUTPUT = "(raw outputs)"
LEAST_SPREAD = 1e-9
"""Of ‖XᵀX‖²: below it the difference that HSIC₁ is has lost more digits than the value may."""


def cka_of_traces(student: Trace, student_layer: str, teacher: Trace, teacher_layer: str) -> Result:
    """Debiased linear CKA between a layer of each trace (`OUTPUT` for the raw outputs).

    What belongs to one layer is computed once for each trace, so a pair costs the product of its two layers, O(n dx dy). The interval
    leaves out twentieths of the rows, blocks kept whole; under independence the value has mean 0 and standard deviation ``null_sd``.
    """
    check_paired(student, teacher)
    n, days = student.n, blocks(student)
    if n < 8:
        return Refusal(reason=f"{n} rows are too few for CKA and its interval", advice="give at least 8")
    if days is not None and len(np.unique(days)) < 2:
        return too_few(1, days)
    layers = [_grouped(trace, layer) for trace, layer in ((student, student_layer), (teacher, teacher_layer))]
    for trace, layer, features in ((student, student_layer, layers[0]), (teacher, teacher_layer, layers[1])):
        if features.spread < LEAST_SPREAD:
            what = "constant" if features.own[0] <= 0 else "constant but for a single row"
            return Refusal(reason=f"layer {layer!r} of {trace.name} is {what}: CKA is 0/0", advice="leave the layer out")
    values = cka_with_left_out(*layers)
    interval = from_left_out(float(values[0]), values[1:], layers[0].sizes.astype(float), transform=FISHER)
    null_sd = math.sqrt(2 / (n * (n - 3)))
    return measured(interval, details={"null_sd": null_sd, "z": float(values[0]) / null_sd, "rows": n})


def _grouped(trace: Trace, layer: str) -> Grouped:
    def build(t: Trace) -> Grouped:
        features = as_matrix(t.raw if layer == OUTPUT else t.features[layer], f"{t.name}: {layer}")
        return grouped(features, deal(t.n, blocks(t)))

    return trace.derived(("grouped", layer), build)
