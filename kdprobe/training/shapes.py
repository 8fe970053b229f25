"""Shapes of what a network gives, without running it. Light to import: plans are read before anything needs torch."""

from collections.abc import Mapping

from kdprobe.core.recipe import HEADS, Distiller, Family, Option

Layers = dict[str, tuple[int, ...]]


def network_outputs(distiller: Distiller, outputs: int) -> int:
    """Outputs of a student's network: by its head several for each of the task's."""
    return HEADS[distiller.head] * outputs


def layer_shapes(family: Family, input_shape: tuple[int, ...], outputs: int, width: int, options: Mapping[str, Option]) -> Layers:
    """Shape of one row of each hidden layer, in forward order, from a pass over meta tensors."""
    import torch

    module = family.build(input_shape, outputs, width, torch.Generator().manual_seed(0), **options).to("meta").eval()
    with torch.no_grad():
        _, features = module(torch.empty(2, *input_shape, device="meta"))
    return {name: tuple(values.shape[1:]) for name, values in features.items()}
