"""What a stack of jobs learns from: rows, labels, and what their teachers say."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from kdprobe.core.errors import ContractError, DataError
from kdprobe.core.identity import derived_seed
from kdprobe.core.recipe import Distiller, Family
from kdprobe.core.registry import find
from kdprobe.core.scheme import Rows, Weights
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind
from kdprobe.tasks.label_noise import with_noise
from kdprobe.tasks.other_task import other_task
from kdprobe.tasks.splits import Part, Split
from kdprobe.tasks.subsets import belongs, of_subset
from kdprobe.tasks.views import noisy, seen, shifted
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem, label_loss, tensor_of
from kdprobe.training.teachers import Teachers, mean_output, teachers_with_features
from kdprobe.zoo.shards import read_targets
from kdprobe.zoo.traces import Stored, load_module, outputs_of

Known = Mapping[str, tuple[Stored, str | None]]
"""Id of a trained model -> where its weights lie, and the SHA-256 of its file of outputs, if it has one."""


def problem_of(zoo: Path, jobs: Sequence[Job], task: Task, parts: Split, known: Known, device: torch.device) -> Problem:
    """What the jobs of one stack key learn from.

    Parameters
    ----------
    known
        Every model that a job of the stack needs.

    Raises
    ------
    DataError
        If a file of targets is missing or damaged.
    """
    first = jobs[0]
    family: Family = find("families", first.family)
    distiller: Distiller = find("distillers", first.distiller)
    part, inputs = _learned_from(first, parts, first.rows, first.row_limit)
    labels = labels_of(first, with_noise(part, parts, first.label_noise), parts)
    held_out = _held_out(first, parts)
    validation = labels_of(first, held_out, parts, hidden=False)
    assert validation is not None
    x, y = inputs.to(device), None if labels is None else labels.to(device)
    spoken_of, y_of_them, apart = part, y, 0
    if first.taught_on is not None:
        spoken_of, inputs = _learned_from(first, parts, first.taught_on, first.taught_row_limit)
        y_of_them, apart = None, len(x)
        x = torch.cat([x, inputs.to(device)])
    groups = list(dict.fromkeys(job.taught_by for job in jobs if job.taught_by))
    return Problem(
        kind=task.kind,
        family=family,
        distiller=distiller,
        outputs=parts.outputs,
        x=x,
        y=y,
        teachers=_teachers(zoo, groups, known, distiller, spoken_of, parts, x, y_of_them, first.weights) if groups else None,
        teacher_of=[groups.index(job.taught_by) if job.taught_by else 0 for job in jobs],
        validation_x=_seen_by(first, held_out.x, parts).to(device),
        validation_y=validation.to(device),
        apart=apart,
        goals=[_loss_of(zoo, known[job.matches][0], parts) for job in jobs if job.matches is not None],
    )


def _part(parts: Split, rows: Rows, limit: int | None) -> Part:
    """The first rows of a part of a split."""
    return (parts.train if rows == "train" else parts.transfer).first(limit)


def _learned_from(job: Job, parts: Split, rows: Rows, limit: int | None) -> tuple[Part, torch.Tensor]:
    """Rows of a part of a split that a job learns from, and their inputs as it sees them. The rows are as its teachers see them."""
    part = _part(parts, rows, limit)
    if rows == job.rows:
        part = of_subset(part, parts, job.subset)
    x = part.x
    if job.noise:
        part, x = noisy(part, parts, job.noise)
    return part, _seen_by(job, x, parts)


def _held_out(job: Job, parts: Split) -> Part:
    """Validation rows of the kind that a job learns from: of its half; of all clients together, for there is one task."""
    return parts.validation if job.subset.startswith("client") else of_subset(parts.validation, parts, job.subset)


def _seen_by(job: Job, x: np.ndarray, parts: Split) -> torch.Tensor:
    """Inputs (n, ...) as a job sees them while it learns."""
    return tensor_of(seen(shifted(x, parts) if job.shift else x, job.inputs, parts))


def labels_of(job: Job, part: Part, parts: Split, *, hidden: bool = True) -> torch.Tensor | None:
    """Labels of a part as a job sees them: (n,) int64 classes or (n, c) float32; None where they are hidden from it."""
    if job.labels == "other task":
        return _labels(other_task(part.x, parts), parts.kind)
    return None if hidden and job.rows == "transfer" and job.labels == "own" else _labels(part.y, parts.kind)


def _loss_of(zoo: Path, stored: Stored, parts: Split) -> float:
    """Mean label loss of a trained model on the validation rows."""
    outputs = torch.from_numpy(outputs_of(load_module(zoo, stored, parts), parts.validation.x)[0])
    return float(label_loss(parts.kind, outputs, _labels(parts.validation.y, parts.kind)).mean())


def _teachers(
    zoo: Path,
    groups: Sequence[tuple[str, ...]],
    known: Known,
    distiller: Distiller,
    part: Part,
    parts: Split,
    x: torch.Tensor,
    y: torch.Tensor | None,
    weights: Weights,
) -> Teachers:
    """What groups of teachers say on the rows of a part and, where the distiller reads them, the hidden layers of single teachers.

    The part is the end of the rows x, or all of them; of those before it nobody asks what a teacher says.
    """
    outputs = []
    for names in groups:
        stated = torch.stack([_said(zoo, name, known[name], part, parts) for name in names])
        said = mean_output(stated, parts.kind, _weights(weights, zoo, [known[name][0] for name in names], part, parts))
        said = said if distiller.prepare is None else prepared(distiller, "+".join(names), said, y)
        outputs.append(torch.nn.functional.pad(said, (0, 0, len(x) - len(said), 0)))
    stacked = torch.stack(outputs).to(x.device)
    if "features" not in distiller.needs:
        return Teachers(outputs=stacked)
    return teachers_with_features(stacked, [load_module(zoo, known[name][0], parts) for (name,) in groups], x)


def _weights(weights: Weights, zoo: Path, teachers: Sequence[Stored], part: Part, parts: Split) -> torch.Tensor | None:
    """What each of several teachers counts for on each row, (m, 1 or n, 1); None where all count alike.

    By validation it is (1 - softmax(loss)) / (m - 1), as Zhang et al. 2022 (arXiv:2201.00007, equation 4) weigh teachers by their loss on
    a sample; here by their mean loss on the validation rows, so that it serves on rows without labels. Rows that are of no teacher's own
    rows hear all alike.
    """
    if weights == "equal" or len(teachers) == 1:
        return None
    if weights == "validation":
        losses = torch.tensor([_loss_of(zoo, teacher, parts) for teacher in teachers])
        return ((1 - torch.softmax(losses, dim=0)) / (len(teachers) - 1))[:, None, None]
    own = torch.from_numpy(np.stack([belongs(part, parts, teacher.job.subset) for teacher in teachers])).float()
    total = own.sum(dim=0)
    return torch.where(total > 0, own / total.clamp_min(1.0), torch.full_like(own, 1 / len(own)))[:, :, None]


def _said(zoo: Path, name: str, known: tuple[Stored, str | None], part: Part, parts: Split) -> torch.Tensor:
    """Outputs of a model on a part: from its file of targets, or anew if it was not trained to teach."""
    stored, sha256 = known
    if sha256 is None:
        return torch.from_numpy(outputs_of(load_module(zoo, stored, parts), part.x)[0])
    return _rows_of(read_targets(zoo, name, sha256), part, name)


def prepared(distiller: Distiller, teacher: str, outputs: torch.Tensor, y: torch.Tensor | None) -> torch.Tensor:
    """A teacher's outputs (n, c) as a distiller changes them. The same whatever else is trained beside the student.

    Raises
    ------
    ContractError
        If what the distiller gives has another shape, or is not finite.
    """
    assert distiller.prepare is not None
    labels = None if y is None or (y.is_floating_point() and "labels" not in distiller.needs) else y.cpu().numpy()
    rng = np.random.default_rng(derived_seed(teacher, distiller.name, "prepare"))
    changed = np.asarray(distiller.prepare(outputs.numpy().copy(), labels, rng), dtype=np.float32)
    if changed.shape != tuple(outputs.shape) or not np.isfinite(changed).all():
        raise ContractError(f"distiller {distiller.name!r}: prepare gives {changed.shape} or numbers that are not finite")
    return torch.from_numpy(changed)


def _rows_of(targets: Mapping[str, torch.Tensor], part: Part, teacher: str) -> torch.Tensor:
    """Pick a part's rows by sample id, never by position: (n, c)."""
    wanted = torch.from_numpy(part.ids.astype(np.int64))
    places = torch.searchsorted(targets["ids"], wanted).clamp(max=len(targets["ids"]) - 1)
    if not torch.equal(targets["ids"][places], wanted):
        raise DataError(f"targets of teacher {teacher[:12]}… lack some rows of this split: run the sweep into a new folder")
    return targets["outputs"][places]


def _labels(y: np.ndarray, kind: TaskKind) -> torch.Tensor:
    return torch.from_numpy(np.array(y, dtype=np.int64 if kind == "classification" else np.float32))
