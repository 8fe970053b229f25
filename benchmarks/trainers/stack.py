"""kdprobe, as a sweep uses it: jobs and a problem to `train`, which chooses the engine."""

from collections.abc import Sequence

import numpy as np
import torch
from _torch import rows
from _work import Predict, Trainer, Work, serve

from kdprobe.core.registry import find
from kdprobe.training.engines import train
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem, Trained
from kdprobe.training.streams import initial_module
from kdprobe.training.teachers import Teachers


def jobs_of(work: Work, seeds: Sequence[int]) -> list[Job]:
    family = find("families", work.family)
    shared = {"task": "benchmark", "data": "rows", "draw": 0, "family": work.family, "options": dict(family.options), "width": work.width}
    shared |= {"steps": work.steps, "batch_size": work.batch, "learning_rate": work.rate, "weight_decay": work.decay, "role": "student"}
    shared |= {"distiller": "kd", "parameters": {"temperature": work.temperature}, "alpha": work.alpha, "scheme": "same_rows"}
    return [Job(**shared, seed=seed) for seed in seeds]


def prepare(work: Work) -> Trainer:
    (x, y), (validation_x, validation_y) = rows(work), rows(work, "validation_")

    def run(seeds: Sequence[int]) -> Predict:
        jobs = jobs_of(work, seeds)
        problem = Problem(
            kind="classification",
            family=find("families", work.family),
            distiller=find("distillers", "kd"),
            outputs=work.classes,
            x=x,
            y=y,
            teachers=Teachers(outputs=torch.from_numpy(work.arrays["logits"])),
            teacher_of=[seed % work.teachers for seed in seeds],
            validation_x=validation_x,
            validation_y=validation_y,
        )
        trained = train(jobs, problem)

        def predict() -> np.ndarray:
            return np.stack([_logits(job, problem, trained, place, rows(work, "test_")[0]) for place, job in enumerate(jobs)])

        predict.more = {"engine": trained.engine}  # type: ignore[attr-defined]
        return predict

    return run


def _logits(job: Job, problem: Problem, trained: Trained, place: int, x: torch.Tensor) -> np.ndarray:
    module = initial_module(job, problem.family, problem.input_shape, problem.network_outputs).eval()
    module.load_state_dict({name: values[place] for name, values in trained.state.items()})
    with torch.no_grad():
        return module(x)[0].numpy()


if __name__ == "__main__":
    serve(prepare, ["kdprobe", "torch"])
