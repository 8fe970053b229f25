"""Shapes of what a network gives, from two rows of zeros. Light to import: plans are read before anything needs torch."""

from collections.abc import Mapping

from kdprobe.core.recipe import HEADS, Distiller, Family, Option

Layers = dict[str, tuple[int, ...]]


def network_outputs(distiller: Distiller, outputs: int) -> int:
    """Outputs of a student's network: by its head several for each of the task's."""
    return HEADS[distiller.head] * outputs


def layer_shapes(family: Family, input_shape: tuple[int, ...], outputs: int, width: int, options: Mapping[str, Option]) -> Layers:
    """Shape of one row of each hidden layer, in forward order."""
    import torch

    module = family.build(input_shape, outputs, width, torch.Generator().manual_seed(0), **options).eval()
    with torch.no_grad():
        # two rows cost less than tensors without storage: torch loads its compiler for these, which takes as long as torch itself
        _, features = module(torch.zeros(2, *input_shape))
    return {name: tuple(values.shape[1:]) for name, values in features.items()}
