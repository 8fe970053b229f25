"""The contract of a distiller."""

from typing import Any

import numpy as np
import torch
from torch.func import vmap

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import Distiller, View

DRAWS = 3


def check_distiller(distiller: Distiller) -> None:
    """Raise ContractError unless a distiller's loss does what it declares.

    Checked are: each truth against its float64 oracle; one finite value a row; a gradient for the student and none for the teacher;
    no row that changes another's loss by being reordered; the same values and gradients under ``torch.func.vmap`` with parameters that
    differ by model; large outputs.

    Examples
    --------
    >>> from kdprobe.core.registry import available
    >>> check_distiller(available("distillers")["kd"])
    """
    if distiller.loss is None:
        _require(distiller, distiller.knowledge == "none" and not distiller.parameters, "has no loss, so no knowledge and no parameters")
        return
    for truth in distiller.truths:
        for draw in range(DRAWS):
            student, teacher = truth.make(np.random.default_rng(draw))
            found = _loss(distiller, student, teacher, truth.parameters).detach().numpy()
            wanted = truth.oracle(student, teacher, **truth.parameters)
            _require(distiller, found.shape == (len(student),), f"truth {truth.name!r}: shape {found.shape}, one value a row was due")
            worst = float(np.max(np.abs(found - wanted) / np.maximum(np.abs(wanted), 1)))
            _require(distiller, worst <= truth.tolerance, f"truth {truth.name!r} is missed by {worst:.2g}, {truth.tolerance:g} is allowed")
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(12, 4)), rng.normal(size=(12, 4))
    _check_gradients(distiller, student, teacher)
    order = rng.permutation(12)
    whole, permuted = (_loss(distiller, *pair, distiller.parameters) for pair in ((student, teacher), (student[order], teacher[order])))
    _require(distiller, bool(torch.allclose(whole[order].mean(), permuted.mean())), "the loss depends on the order of the rows")
    _check_vmap(distiller, rng)
    large = _loss(distiller, 1e3 * student, -1e3 * teacher, distiller.parameters)
    _require(distiller, bool(large.isfinite().all()), "outputs near 1000 give a loss that is not finite")


def _loss(distiller: Distiller, student: np.ndarray, teacher: np.ndarray, parameters: Any) -> torch.Tensor:
    assert distiller.loss is not None
    return distiller.loss(View(torch.from_numpy(student), {}), View(torch.from_numpy(teacher), {}), **parameters)


def _check_gradients(distiller: Distiller, student: np.ndarray, teacher: np.ndarray) -> None:
    assert distiller.loss is not None
    outputs = torch.from_numpy(student).requires_grad_()
    loss = distiller.loss(View(outputs, {}), View(torch.from_numpy(teacher), {}), **distiller.parameters)
    (gradient,) = torch.autograd.grad(loss.sum(), outputs)
    _require(distiller, bool(gradient.isfinite().all()), "the gradient is not finite")
    _require(distiller, bool(gradient.abs().sum() > 0), "the student gets no gradient")


def _check_vmap(distiller: Distiller, rng: np.random.Generator) -> None:
    """Three models at once, each with parameters of its own, as the stacked engine calls it."""
    assert distiller.loss is not None
    loss = distiller.loss
    student, teacher = (torch.from_numpy(rng.normal(size=(3, 12, 4)).astype(np.float32)) for _ in range(2))
    parameters = {name: value * torch.tensor([0.5, 1.0, 2.0]) for name, value in distiller.parameters.items()}

    def one(outputs: torch.Tensor, targets: torch.Tensor, own: dict[str, torch.Tensor]) -> torch.Tensor:
        return loss(View(outputs, {}), View(targets, {}), **own)

    stacked = vmap(one, in_dims=(0, 0, 0 if parameters else None))(student, teacher, parameters)
    for model in range(3):
        alone = one(student[model], teacher[model], {name: float(values[model]) for name, values in parameters.items()})  # type: ignore[arg-type]
        _require(distiller, bool(torch.allclose(stacked[model], alone, atol=1e-5)), "vmap gives other values than one model at a time")


def _require(distiller: Distiller, condition: bool, text: str) -> None:
    if not condition:
        raise ContractError(f"distiller {distiller.name!r}: {text}")
