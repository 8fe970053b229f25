"""Where among the layers a teacher's own arrives: CKA of each layer of a student with each of its teacher, less that of siblings."""

from collections.abc import Mapping, Sequence

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.trace import Trace
from kdprobe.measures.cka.all_pairs import cka_of_all_pairs
from kdprobe.measures.traces import log_probabilities
from kdprobe.sweep.circle import Circle

MOST_LAYERS = 4
"""Of a network; of more, evenly spaced ones: pairs are a family of tests, and each costs its seeds times the siblings."""

LEAST = float(np.log(1e-6))
"""Logarithm of a probability that is as good as none."""


def own_by_layer(
    students: Mapping[int, Trace], twins: Mapping[int, Trace], teachers: Mapping[int, Trace]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Own teacher minus siblings (mean), less the same of the untaught twin, by pair of layers. All of one draw, three seeds or more.

    Parameters
    ----------
    students, twins, teachers
        By seed, on the same rows. Siblings are those that the sweep read the student against.

    Returns
    -------
    names, values
        (pairs,) and (seeds, pairs). Pairs that CKA has no answer for, as where a layer is constant, are left out. O(seeds · siblings)
        times the CKA of a pair.
    """
    seeds = sorted(students)
    circle = Circle(tuple(seeds))
    found: list[dict[tuple[str, str], float]] = []
    for seed in seeds:
        others = sorted(circle.siblings(seed))
        models = {"student": _layers(students[seed]), "twin": _layers(twins[seed])}
        mine = {f"{role} {layer}": values for role, layers in models.items() for layer, values in layers.items()}
        theirs = {f"{of} {layer}": values for of in (seed, *others) for layer, values in _layers(teachers[of]).items()}
        alike = {
            pair: one.value if isinstance(one, Measurement) else np.nan
            for pair, one in cka_of_all_pairs(mine, theirs, blocks=students[seed].blocks).items()
        }
        found.append(
            {
                (layer, other): _own(alike, f"student {layer}", other, seed, others) - _own(alike, f"twin {layer}", other, seed, others)
                for layer in models["student"]
                for other in _layers(teachers[seed])
            }
        )
    pairs = [pair for pair in found[0] if all(np.isfinite(one.get(pair, np.nan)) for one in found)]
    values = np.array([[one[pair] for pair in pairs] for one in found]).reshape(len(seeds), len(pairs))
    return tuple(f"{layer} with {other}" for layer, other in pairs), values


def _own(alike: Mapping[tuple[str, str], float], mine: str, layer: str, seed: int, others: Sequence[int]) -> float:
    """CKA with a layer of the seed's own teacher, minus the mean with that layer of its siblings."""
    return alike[mine, f"{seed} {layer}"] - float(np.mean([alike[mine, f"{other} {layer}"] for other in others]))


def _layers(trace: Trace) -> dict[str, np.ndarray]:
    """Hidden layers and outputs by name."""
    every = {**trace.features, "outputs": trace.raw if trace.kind == "regression" else _without_shift(trace)}
    names = list(every)
    if len(names) > MOST_LAYERS:
        names = [names[round(i * (len(names) - 1) / (MOST_LAYERS - 1))] for i in range(MOST_LAYERS)]
    return {name: np.asarray(every[name]) for name in names}


def _without_shift(trace: Trace) -> np.ndarray:
    """Logits as the probe `cka_output` reads them: log probabilities, centred by row, so that a common shift of a row says nothing."""
    floored = np.maximum(log_probabilities(trace), LEAST)
    return floored - floored.mean(axis=1, keepdims=True)
