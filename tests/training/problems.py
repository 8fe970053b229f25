"""Small problems with random rows and teachers, for tests of engines."""

from dataclasses import replace

import torch

from kdprobe.core.recipe import Distiller
from kdprobe.core.registry import find
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem
from kdprobe.training.teachers import Teachers


def problem(distiller: Distiller, kind: str, teacher_of: list[int], *, labelled: bool = True, rows: int = 150) -> Problem:
    generator = torch.Generator().manual_seed(0)
    outputs = 5 if kind == "classification" else 2
    x = torch.randn(rows, 6, generator=generator)
    labels = (
        torch.randint(0, outputs, (rows,), generator=generator)
        if kind == "classification"
        else torch.randn(rows, outputs, generator=generator)
    )
    return Problem(
        kind=kind,
        family=find("families", "mlp"),
        distiller=distiller,
        outputs=outputs,
        x=x,
        y=labels if labelled else None,
        teachers=Teachers(outputs=torch.randn(3, rows, outputs, generator=generator)) if distiller.loss is not None else None,
        teacher_of=teacher_of,
        validation_x=x[:40],
        validation_y=labels[:40],
    )


def jobs(count: int, distiller: Distiller, *, alpha: float = 0.7, steps: int = 100, width: int = 7, **changes) -> list[Job]:
    role = "twin" if distiller.loss is None else "student"
    made = []
    for seed in range(count):
        own = {"seed": seed, "alpha": 0.0 if role == "twin" else alpha, "learning_rate": 0.01 * (1 + seed), "weight_decay": 0.01 * seed}
        parameters = {name: value * (1 + 0.5 * seed) for name, value in distiller.parameters.items()}
        fixed = {"task": "made", "data": "rows", "draw": 0, "family": "mlp", "width": width, "role": role, "steps": steps, "batch_size": 32}
        made.append(Job(**{**fixed, **own, "distiller": distiller.name, "parameters": parameters, **changes}))
    return made


def with_teachers(found: Problem, teacher_of: list[int]) -> Problem:
    return replace(found, teacher_of=teacher_of)
