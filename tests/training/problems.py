"""Small problems with random rows and real teachers, for tests of engines."""

import math
from dataclasses import replace

import torch
from torch import nn

from kdprobe.core.recipe import Distiller, Family, LossTruth
from kdprobe.core.registry import available, find
from kdprobe.testing.families import INPUT_SHAPES
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem
from kdprobe.training.teachers import Teachers, teachers_with_features

TEACHERS = 3


class Normed(nn.Module):
    """Linear, batch norm, ReLU, dropout, linear."""

    def __init__(self, inputs, outputs, width, generator, dropout):
        super().__init__()
        self.hidden, self.output = nn.Linear(inputs, width, bias=False), nn.Linear(width, outputs)
        self.norm, self.drop = nn.BatchNorm1d(width), nn.Dropout(dropout)
        for layer in (self.hidden, self.output):
            nn.init.uniform_(layer.weight, -0.4, 0.4, generator=generator)
        nn.init.uniform_(self.output.bias, -0.4, 0.4, generator=generator)

    def forward(self, x):
        hidden = torch.relu(self.norm(self.hidden(x.flatten(1))))
        return self.output(self.drop(hidden)), {"hidden": hidden}


class Maps(nn.Module):
    """Convolution, batch norm, ReLU, dropout of whole channels, convolution, mean over positions, linear."""

    def __init__(self, channels, outputs, width, generator, dropout):
        super().__init__()
        self.first, self.norm = nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.second, self.drop = nn.Conv2d(width, 2 * width, 3, stride=2), nn.Dropout2d(dropout)
        self.output = nn.Linear(2 * width, outputs)
        for layer in (self.first, self.second, self.output):
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -0.4, 0.4, generator=generator)

    def forward(self, x):
        first = torch.relu(self.norm(self.first(x)))
        second = torch.relu(self.second(self.drop(first)))
        pooled = second.mean((2, 3))
        return self.output(pooled), {"first": first, "second": second, "pooled": pooled}


def _normed(shape, outputs, width, generator, *, dropout):
    return Normed(math.prod(shape), outputs, width, generator, dropout)


def _maps(shape, outputs, width, generator, *, dropout):
    return Maps(shape[0], outputs, width, generator, dropout)


def _no_flops(*_, **__):
    return 0


NORMED = Family(name="normed", title="normed", build=_normed, flops=_no_flops, options={"dropout": 0.3})
MAPS = Family(name="maps", title="maps", build=_maps, flops=_no_flops, options={"dropout": 0.3})
SHAPES = {"normed": (6,), "maps": (2, 7, 6)}


class Regressor(nn.Module):
    """Maps the student's last layer onto the teacher's."""

    def __init__(self, inputs, outputs, generator):
        super().__init__()
        self.weight = nn.Parameter(0.3 * torch.randn(outputs, inputs, generator=generator))

    def forward(self, x):
        return x @ self.weight.mT


def _last(view):
    return list(view.features.values())[-1]


def _hint(student, teacher, *, scale):
    return scale * ((student.auxiliary(_last(student)) - _last(teacher)) ** 2).mean(-1)


def _regressor(shapes, generator):
    student, teacher = (list(layers.values())[-1] for layers in (shapes.student, shapes.teacher))
    return Regressor(student[-1], teacher[-1], generator)


_TRUTH = LossTruth(name="engines only", make=lambda rng: (rng.normal(size=(3, 2)),) * 2, oracle=lambda s, t: 0)
HINT = Distiller(
    name="hint_for_engines",
    title="hint",
    knowledge="intermediate",
    tasks=("classification", "regression"),
    loss=_hint,
    formula="",
    parameters={"scale": 1.0},
    needs=("features",),
    auxiliary=_regressor,
    truths=(_TRUTH,),
)


def _gaussian(student, teacher):
    mean, log_variance = student.outputs.chunk(2, -1)
    return (log_variance + (teacher.outputs - mean) ** 2 * (-log_variance).exp()).mean(-1)


GAUSSIAN = Distiller(
    name="gaussian_for_engines",
    title="gaussian",
    knowledge="response",
    tasks=("regression",),
    loss=_gaussian,
    formula="",
    head="gaussian",
    truths=(_TRUTH,),
)


def input_shape(family: Family) -> tuple[int, ...]:
    """The smallest input that a family takes."""
    if family.name in SHAPES:
        return SHAPES[family.name]
    for shape in ((6,), (4, 5), (1, 8, 8), *INPUT_SHAPES):
        try:
            family.build(shape, 3, 4, torch.Generator(), **family.options)
            return shape
        except ValueError:
            continue
    raise AssertionError(f"{family.name} takes none of {INPUT_SHAPES}")


def problem(
    distiller: Distiller,
    kind: str,
    teacher_of: list[int],
    *,
    family: Family | str = "mlp",
    labelled: bool = True,
    rows: int = 150,
    teacher_width: int = 9,
    device: str = "cpu",
) -> Problem:
    family = find("families", family) if isinstance(family, str) else family
    generator = torch.Generator().manual_seed(0)
    outputs, shape = 5 if kind == "classification" else 2, input_shape(family)
    x = torch.randn(rows, *shape, generator=generator)
    labels = (
        torch.randint(0, outputs, (rows,), generator=generator)
        if kind == "classification"
        else torch.randn(rows, outputs, generator=generator)
    )
    x, labels = x.to(device), labels.to(device)
    teachers = None
    if distiller.loss is not None:
        said = torch.randn(TEACHERS, rows, outputs, generator=generator).to(device)
        modules = [family.build(shape, outputs, teacher_width, generator, **family.options) for _ in range(TEACHERS)]
        teachers = teachers_with_features(said, modules, x) if "features" in distiller.needs else Teachers(outputs=said)
    return Problem(
        kind=kind,
        family=family,
        distiller=distiller,
        outputs=outputs,
        x=x,
        y=labels if labelled else None,
        teachers=teachers,
        teacher_of=teacher_of,
        validation_x=x[:40],
        validation_y=labels[:40],
    )


def jobs(count: int, distiller: Distiller, *, family: str = "mlp", alpha: float = 0.7, steps: int = 100, width: int = 7, **changes):
    role = "twin" if distiller.loss is None else "student"
    made = []
    known = {"normed": NORMED, "maps": MAPS} | available("families")
    for seed in range(count):
        own = {"seed": seed, "alpha": 0.0 if role == "twin" else alpha, "learning_rate": 0.01 * (1 + seed), "weight_decay": 0.01 * seed}
        parameters = {name: value * (1 + 0.5 * seed) for name, value in distiller.parameters.items()}
        fixed = {"task": "made", "data": "rows", "draw": 0, "family": family, "width": width, "role": role, "steps": steps}
        fixed |= {"batch_size": 32, "options": dict(known[family].options)}
        made.append(Job(**{**fixed, **own, "distiller": distiller.name, "parameters": parameters, **changes}))
    return made


def with_teachers(found: Problem, teacher_of: list[int]) -> Problem:
    return replace(found, teacher_of=teacher_of)
