"""torchdistill's own DistillationBox, KDLoss and data loaders, driven as its examples drive them, without their loggers."""

import contextlib
import logging
from collections.abc import Sequence

import torch
from _torch import network, predictions, rows, teacher
from _work import Predict, Trainer, Work, serve
from torch import nn
from torch.nn import functional
from torch.utils.data import RandomSampler, SequentialSampler, TensorDataset

try:
    import torchvision  # noqa: F401
except RuntimeError:
    # the wheel of torchvision was built for another build of torch and has lost its own operators: nothing here calls them
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):
            _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchdistill.core.distillation import get_distillation_box

logging.getLogger("torchdistill").setLevel(logging.WARNING)


def _configuration(work: Work, seed: int) -> dict[str, object]:
    ends = {"student_module_path": ".", "student_module_io": "output", "teacher_module_path": ".", "teacher_module_io": "output"}
    # its alpha is the weight of the labels
    loss = {"key": "KDLoss", "kwargs": {**ends, "temperature": work.temperature, "alpha": 1 - work.alpha, "reduction": "batchmean"}}
    shuffled = {"class_or_func": RandomSampler, "kwargs": {"generator": torch.Generator().manual_seed(seed)}}
    loaded = {"batch_size": work.batch, "num_workers": 0}
    return {
        "num_epochs": work.epochs,
        "train_data_loader": {"dataset_id": "train", "sampler": shuffled, "kwargs": {**loaded, "drop_last": True}},
        "val_data_loader": {"dataset_id": "validation", "sampler": {"class_or_func": SequentialSampler}, "kwargs": loaded},
        "teacher": {"forward_proc": "forward_batch_only", "requires_grad": False},
        "student": {"forward_proc": "forward_batch_only"},
        "optimizer": {"key": "AdamW", "kwargs": {"lr": work.rate, "weight_decay": work.decay}},
        "scheduler": {"key": "CosineAnnealingLR", "kwargs": {"T_max": work.steps}, "scheduling_step": 1},
        "criterion": {"key": "WeightedSumLoss", "kwargs": {"sub_terms": {"kd": {"criterion": loss, "weight": 1.0}}}},
    }


def prepare(work: Work) -> Trainer:
    data = {"train": TensorDataset(*rows(work)), "validation": TensorDataset(*rows(work, "validation_"))}

    def one(seed: int) -> nn.Module:
        student = network(work, work.width, seed)
        place = seed % work.teachers
        box = get_distillation_box(
            teacher(work, place), student, data, _configuration(work, seed), torch.device("cpu"), None, distributed=False, lr_factor=1
        )
        for epoch in range(box.num_epochs):
            box.pre_epoch_process(epoch=epoch)
            for x, y, extra in box.train_data_loader:
                box.post_forward_process(loss=box.forward_process(x, y, extra))
            student.eval()
            with torch.no_grad():
                for x, y in box.val_data_loader:
                    functional.cross_entropy(student(x), y).item()
            box.post_epoch_process()
        box.clean_modules()
        return student

    def run(seeds: Sequence[int]) -> Predict:
        students = [one(seed) for seed in seeds]
        return lambda: predictions(students, work)

    return run


if __name__ == "__main__":
    serve(prepare, ["torchdistill", "torch"])
