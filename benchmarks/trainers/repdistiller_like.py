"""A loop like RepDistiller's (Tian, Krishnan and Isola 2020): DataLoader, the teacher's forward pass and hidden layers for each batch,
both losses, meters of loss and of accuracy at each step, and a pass over a validation loader after each epoch.

Written anew; easier on itself than the original: no augmentation, no workers to start, nothing printed, and AdamW in place of SGD, so that
the work is the same.
"""

from collections.abc import Sequence

import torch
from _torch import network, predictions, rows, teacher
from _work import Predict, Trainer, Work, serve
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Instances(Dataset):
    """Rows with labels and their number."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor):
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, int]:
        return self.x[index], self.y[index], index


class Meter:
    """Running mean."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, value: float, n: int) -> None:
        self.total, self.count = self.total + value * n, self.count + n


def topk(logits: torch.Tensor, y: torch.Tensor, ks: Sequence[int]) -> list[torch.Tensor]:
    """Share of rows whose label is among the k largest logits, in percent."""
    _, found = logits.topk(max(ks), 1)
    right = found.t().eq(y.view(1, -1).expand_as(found.t()))
    return [right[:k].reshape(-1).float().sum(0) * (100 / len(y)) for k in ks]


def prepare(work: Work) -> Trainer:
    temperature = work.temperature

    def one(seed: int, module_t: nn.Module) -> nn.Module:
        loader = DataLoader(
            Instances(*rows(work)), batch_size=work.batch, shuffle=True, generator=torch.Generator().manual_seed(seed), drop_last=True
        )
        validation = DataLoader(TensorDataset(*rows(work, "validation_")), batch_size=work.batch)
        module_s = network(work, work.width, seed)
        optimiser = torch.optim.AdamW(module_s.parameters(), lr=work.rate, weight_decay=work.decay)
        of_labels = nn.CrossEntropyLoss()
        step = 0
        for _ in range(work.epochs):
            module_s.train()
            module_t.eval()
            losses, top1, top5 = Meter(), Meter(), Meter()
            for x, y, _index in loader:
                x = x.float()
                _features_s, logits_s = module_s(x, is_feat=True)
                with torch.no_grad():
                    features_t, logits_t = module_t(x, is_feat=True)
                    features_t = [values.detach() for values in features_t]
                p_s, p_t = functional.log_softmax(logits_s / temperature, dim=1), functional.softmax(logits_t / temperature, dim=1)
                of_teacher = functional.kl_div(p_s, p_t, reduction="sum") * temperature**2 / len(logits_s)
                loss = (1 - work.alpha) * of_labels(logits_s, y) + work.alpha * of_teacher
                first, fifth = topk(logits_s, y, (1, 5))
                losses.update(loss.item(), len(x))
                top1.update(float(first), len(x))
                top5.update(float(fifth), len(x))
                for group in optimiser.param_groups:
                    group["lr"] = work.rate_at(step)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                step += 1
            _validate(module_s, validation, of_labels)
        return module_s

    def run(seeds: Sequence[int]) -> Predict:
        students = [one(seed, teacher(work, seed % work.teachers)) for seed in seeds]
        return lambda: predictions(students, work)

    return run


def _validate(module: nn.Module, loader: DataLoader, of_labels: nn.Module) -> None:
    module.eval()
    losses, top1, top5 = Meter(), Meter(), Meter()
    with torch.no_grad():
        for x, y in loader:
            logits = module(x)
            losses.update(of_labels(logits, y).item(), len(x))
            first, fifth = topk(logits, y, (1, 5))
            top1.update(float(first), len(x))
            top5.update(float(fifth), len(x))


if __name__ == "__main__":
    serve(prepare, ["torch"])
