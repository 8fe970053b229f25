"""The loop of somebody who knows torch: the teachers' soft targets made once, a fused optimiser, no DataLoader."""

from collections.abc import Sequence

import torch
from _torch import network, predictions, rows
from _work import Predict, Trainer, Work, serve
from torch.nn import functional


def prepare(work: Work) -> Trainer:
    (x, y), (validation_x, validation_y) = rows(work), rows(work, "validation_")
    temperature = work.temperature

    def one(seed: int, soft: torch.Tensor) -> torch.nn.Module:
        student, generator = network(work, work.width, seed), torch.Generator().manual_seed(seed)
        optimiser = torch.optim.AdamW(student.parameters(), lr=work.rate, weight_decay=work.decay, fused=True)
        (group,) = optimiser.param_groups
        step = 0
        for _ in range(work.epochs):
            for batch in torch.randperm(len(x), generator=generator).split(work.batch):
                logits = student(x[batch])
                of_teacher = functional.kl_div(torch.log_softmax(logits / temperature, -1), soft[batch], reduction="batchmean")
                of_labels = functional.cross_entropy(logits, y[batch])
                loss = (1 - work.alpha) * of_labels + work.alpha * temperature**2 * of_teacher
                optimiser.zero_grad()
                loss.backward()
                group["lr"] = work.rate_at(step)
                optimiser.step()
                step += 1
            with torch.no_grad():
                functional.cross_entropy(student(validation_x), validation_y)
        return student

    def run(seeds: Sequence[int]) -> Predict:
        soft = torch.softmax(torch.from_numpy(work.arrays["logits"]) / temperature, -1)
        students = [one(seed, soft[seed % work.teachers]) for seed in seeds]
        return lambda: predictions(students, work)

    return run


if __name__ == "__main__":
    serve(prepare, ["torch"])
