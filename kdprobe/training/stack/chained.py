"""Stacks of networks that are chains, by hand: batched products, and gradients without a graph where a loss knows its own."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, vmap

from kdprobe.core.recipe import ClosedForm, TaskKind
from kdprobe.distillers._soft_targets import log_probabilities
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem, label_loss
from kdprobe.training.stack.chain import Chain
from kdprobe.training.stack.general import Stack
from kdprobe.training.stack.rounding import SameRounding
from kdprobe.training.states import under
from kdprobe.training.teachers import Teachers, rows_of

CHUNK, CHUNK_OF_MAPS = 256, 64
"""Validation rows at once, for the whole stack."""


class Chained(Stack):
    """A stack whose networks are chains."""

    name = "chain"

    def __init__(self, jobs: Sequence[Job], problem: Problem, modules: Sequence[nn.Module], chain: Chain):
        super().__init__(jobs, problem, modules)
        self.chain = chain
        self._lay_out()
        self.x = _channels_last(problem.x) if chain.of_maps else problem.x.flatten(1)
        self.closed = problem.distiller.closed
        self.targets = _fixed(jobs, problem, self.closed) if problem.taught and self.closed else None

    def slope(self, batch: torch.Tensor, y: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Each model's mean loss on its own batch (models,), and its gradient by the parameters (models, parameters)."""
        network = self.network | self.chain.kernels(self.network) | self.masks.next(self.problem.device)
        inputs = rows_of(self.x, batch)
        found = self.chain.forward(_as_maps(inputs) if self.chain.of_maps else inputs, network, len(batch))
        of_features: dict[str, torch.Tensor] = {}
        if self.problem.taught and self.closed is None:
            losses, gradient, of_features = self._by_graph(batch, y, found)
        else:
            losses, gradient = self._by_hand(batch, y, found[-1])
        self.chain.backward(gradient, of_features, found, network, self.into)
        return losses, self.gradient

    def answers(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs of each model on its own rows x (models, b, ...) as it is now, in evaluation mode: what it says to its peers."""
        maps, network = self.chain.of_maps, under("network", self.layout.unpack(self.flat))
        network |= self.chain.kernels(network)
        inputs = _as_maps(x.permute(0, 1, 3, 4, 2).contiguous()) if maps else x.flatten(2)
        return self.chain.forward(inputs, network, len(x))[-1]

    def validation_losses(self) -> torch.Tensor:
        """Each model's loss on the validation rows: (models,), on the CPU."""
        problem, maps, models = self.problem, self.chain.of_maps, len(self.places)
        network = self.network | self.chain.kernels(self.network)
        if self.chain.shares_maps:
            # written anew: one channel has the strides of every format, and a convolution would take the slow one
            inputs = torch.empty_like(problem.validation_x, memory_format=torch.channels_last).copy_(problem.validation_x)
        else:
            inputs = _channels_last(problem.validation_x) if maps else problem.validation_x.flatten(1)
        total, chunk = torch.zeros(models, dtype=torch.float64), CHUNK_OF_MAPS if maps else CHUNK
        for start in range(0, len(inputs), chunk):
            x, y = inputs[start : start + chunk], problem.validation_y[start : start + chunk]
            if not self.chain.shares_maps:
                x = _as_maps(x.expand(models, *x.shape)) if maps else x.expand(models, *x.shape)
            outputs = self.chain.forward(x, network, models)[-1]
            losses = label_loss(problem.kind, outputs.flatten(0, 1), y.expand(models, *y.shape).flatten(0, 1), problem.distiller.head)
            total += losses.view(models, -1).sum(dim=1).cpu()
        return (total / len(inputs)).float()

    def keep(self, chosen: torch.Tensor) -> None:
        """Go on with some of the models only, but never with one alone."""
        before = self.places
        super().keep(chosen)
        self._lay_out()
        if self.targets is not None:
            kept = torch.isin(before, self.places).to(self.problem.device)
            self.targets = (self.targets[0][kept], self.targets[1])

    def _lay_out(self) -> None:
        """Views into parameters and gradients, and the weights of the losses: the same for all steps."""
        self.flat = self.flat.detach()
        self.gradient = torch.zeros_like(self.flat)
        values, into = self.layout.unpack(self.flat), self.layout.unpack(self.gradient)
        self.network, self.into = under("network", values), under("network", into)
        self.own, self.into_own = under("auxiliary", values), under("auxiliary", into)
        alpha = self.alpha[:, None, None]
        self.shares = (1 - alpha, alpha)
        self.named = {name: values[:, None, None] for name, values in self.numbers.items()}

    def _by_hand(self, batch: torch.Tensor, y: torch.Tensor | None, outputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses and gradients of labels and of teachers in closed form."""
        parts: list[tuple[torch.Tensor, torch.Tensor]] = []
        if y is not None:
            parts.append(_weighted(self.shares[0], *label_slope(self.problem.kind, outputs[:, : self.cut or None], y)))
        if self.targets is not None and self.closed is not None:
            starts, table = self.targets
            at = starts[:, None] + batch[:, self.cut :]
            said = {name: rows_of(values, at) for name, values in table.items()}
            parts.append(_weighted(self.shares[1], *self.closed.slope(outputs[:, self.cut :], said, **self.named)))
        if self.cut:
            # labels speak of the first rows, teachers of the rest: no row has two gradients
            return torch.stack([loss[..., 0].mean(dim=1) for loss, _ in parts]).sum(dim=0), torch.cat([slope for _, slope in parts], dim=1)
        (loss, gradient), *more = parts
        for other, slope in more:
            loss, gradient = loss.add_(other), gradient.add_(slope)
        return loss[..., 0].mean(dim=1), gradient

    def _by_graph(
        self,
        batch: torch.Tensor,
        y: torch.Tensor | None,
        found: list[torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """Losses of any distiller; gradients by outputs and by hidden layers. Those of the auxiliary modules are written at once."""
        problem, read = self.problem, "features" in self.problem.distiller.needs
        assert problem.teachers is not None
        said = problem.teachers.many(self.teacher_of, batch[:, self.cut :], rows_of(problem.x, batch[:, self.cut :]))
        outputs = found[-1].detach().requires_grad_()
        models = len(outputs)
        features = {name: _by_model(found[place], models).detach().requires_grad_() for name, place in self.chain.features.items() if read}
        own = {name: values.detach().requires_grad_() for name, values in self.own.items()}
        buffers = under("auxiliary", self.buffers)

        def one(outputs: Any, features: Any, own: Any, buffers: Any, y: Any, said: Any, alpha: Any, numbers: Any) -> torch.Tensor:
            module = self.auxiliary
            call = None if module is None else lambda *inputs: functional_call(module, own | buffers, inputs)
            return problem.loss(outputs, features, y, call, said, alpha, numbers)

        with SameRounding():
            dims = (0, 0, 0, 0, None if y is None else 0, 0, 0, 0)
            losses = vmap(one, in_dims=dims)(outputs, features, own, buffers, y, said, self.alpha, self.numbers)
        gradients = torch.autograd.grad(losses.sum(), [outputs, *features.values(), *own.values()], allow_unused=True)
        of_features = dict(zip(features, gradients[1 : 1 + len(features)], strict=True))
        for name, values in zip(own, gradients[1 + len(features) :], strict=True):
            self.into_own[name].zero_() if values is None else self.into_own[name].copy_(values)
        gradient = torch.zeros_like(outputs) if gradients[0] is None else gradients[0]
        of_features = {name: values for name, values in of_features.items() if values is not None}
        maps = [name for name in of_features if found[self.chain.features[name]].ndim == 4]
        return losses.detach(), gradient, of_features | {name: of_features[name].transpose(0, 1).flatten(1, 2) for name in maps}


def _channels_last(x: torch.Tensor) -> torch.Tensor:
    """(n, channels, height, width) -> (n, height, width, channels)."""
    return x.permute(0, 2, 3, 1).contiguous()


def _as_maps(x: torch.Tensor) -> torch.Tensor:
    """(models, n, height, width, channels) -> (n, models·channels, height, width), channels last in memory."""
    return x.permute(1, 2, 3, 0, 4).contiguous().flatten(3).permute(0, 3, 1, 2)


def _by_model(values: torch.Tensor, models: int) -> torch.Tensor:
    """Vectors as they are; maps as (models, n, channels, height, width)."""
    return values.unflatten(1, (models, -1)).transpose(0, 1) if values.ndim == 4 else values


def _weighted(share: torch.Tensor, loss: torch.Tensor, slope: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A part of the loss (models, n, 1), and its share of the gradient of the mean over the n rows (models, n, c)."""
    return share * loss, slope.mul_(share / slope.shape[1])


def label_slope(kind: TaskKind, outputs: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of the labels of each row (models, n, 1) and its gradient by the outputs (models, n, c)."""
    if kind == "classification":
        log_p = log_probabilities(outputs)
        loss = -log_p.gather(-1, y[..., None])
        return loss, log_p.exp_().scatter_add_(-1, y[..., None], -torch.ones_like(loss))
    apart = outputs - y
    return (apart**2).mean(dim=-1, keepdim=True), apart * (2 / apart.shape[-1])


def _fixed(jobs: Sequence[Job], problem: Problem, closed: ClosedForm) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What a closed form needs of the teachers: where each job's rows start in the table, and the table, once a teacher and parameters."""
    assert isinstance(problem.teachers, Teachers)
    pairs = [(place, tuple(job.parameters.items())) for place, job in zip(problem.teacher_of, jobs, strict=True)]
    tables = {pair: closed.fixed(problem.teachers.outputs[pair[0]], **dict(pair[1])) for pair in dict.fromkeys(pairs)}
    numbers = {pair: number for number, pair in enumerate(tables)}
    starts = torch.tensor([numbers[pair] * len(problem.x) for pair in pairs], device=problem.device)
    names = next(iter(tables.values()))
    return starts, {name: torch.cat([table[name] for table in tables.values()]) for name in names}
