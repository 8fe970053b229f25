"""Taking a model into a zoo that was trained elsewhere."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from kdprobe.core.arguments import number, whole
from kdprobe.core.errors import DataError, PlanError, did_you_mean
from kdprobe.core.recipe import Distiller
from kdprobe.core.registry import find
from kdprobe.core.trace import are_probabilities, check_finite
from kdprobe.tasks.own.keep import kept
from kdprobe.tasks.splits import Split, split
from kdprobe.training.job import TUNING_SEEDS, Job
from kdprobe.training.problem import HISTORY, label_loss
from kdprobe.zoo.imported.make import ASKS
from kdprobe.zoo.imported.recorded import recorded, state_of
from kdprobe.zoo.imported.run import answers
from kdprobe.zoo.index import Index
from kdprobe.zoo.scored import score_model
from kdprobe.zoo.shards import write_shard
from kdprobe.zoo.writer import Writer, model_row

ROLES = ("teacher", "twin", "student")
LEAST_PROBABLE = 1e-12
SAME = ("role", "family", "width", "seed")
"""Two models that agree in these are one, but for students: these differ in how they were taught too."""


def add(
    path: Path, index: Index, model: Any, *, role: str, seed: int, size: int | None, width: int | None, family: str, x: Any,
    layers: Sequence[str] | Mapping[str, Any] | None, teacher: str | None, twin: str | None, scheme: str, distiller: str | None,
    alpha: float | None, temperature: float | None, steps: int,
) -> str:  # fmt: skip
    """See `kdprobe.Zoo.add`."""
    plan = plan_of(path, index)
    task = kept(path)[0]
    parts = split(task)
    if role not in ROLES:
        raise PlanError(f"role={role!r}: {did_you_mean(str(role), ROLES)}")
    seed = whole("seed", seed, least=0, advice=f"give a whole number from 0 to below {TUNING_SEEDS}")
    if seed >= TUNING_SEEDS:
        raise PlanError(f"seed={seed}: give a whole number from 0 to below {TUNING_SEEDS}")
    said, hidden, counted = answers(model, x, layers, rows=plan["rows"])
    size = counted if size is None else whole("size", size, least=1, advice="give its number of parameters")
    if size is None:
        raise PlanError("size is not known of outputs alone: give the model's number of parameters")
    width = size if width is None else whole("width", width, least=1, advice="give a whole number from 1")
    if not isinstance(family, str) or not family.strip() or len(family) > 40 or "/" in family:
        raise PlanError(f"family={family!r}: give a short name, such as 'resnet'")
    outputs = _in_units(said, parts, plan)
    layers_found = {name: torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)) for name, values in hidden.items()}
    state = state_of(torch.from_numpy(outputs), layers_found)
    sha256 = hashlib.sha256()
    for name, values in state.items():
        sha256.update(name.encode())
        sha256.update(values.numpy().tobytes())
    job = Job(
        task=task.name, data=parts.sha256, draw=0, family=family, width=width, role=role, seed=seed, steps=steps, batch_size=0,
        learning_rate=0.0, weight_decay=0.0, imported=sha256.hexdigest(),
    )  # fmt: skip
    rows = index.rows("SELECT model_id, job, size FROM models WHERE status = 'done'")
    there = {row["model_id"]: msgspec.json.decode(row["job"], type=Job) for row in rows}
    for row in rows:
        other = there[row["model_id"]]
        if (other.family, other.width) == (family, width) and row["size"] != size:
            raise PlanError(f"size={size}: {family}-{width} has {row['size']} parameters in this zoo: give another family or width")
    twin_id = None
    if role == "student":
        job, twin_id = _taught(job, there, teacher, twin, scheme, distiller, alpha, temperature, parts)
    elif teacher is not None or twin is not None:
        raise PlanError(f"a {role} has no {'teacher' if teacher is not None else 'twin'}: give it with role='student'")
    _refuse_double(job, there)
    if job.id in there:
        raise PlanError(f"this model is there already, as {job.id[:12]}")
    _write(path, job, state, task, parts, size, twin_id)
    return job.id


def plan_of(path: Path, index: Index) -> dict[str, Any]:
    """What an imported zoo says of its rows, or PlanError where a sweep wrote it."""
    if index.meta("asks") != ASKS:
        raise PlanError(
            f"{path} was written by a sweep, whose plan says what belongs to it: make a zoo of your own with kdprobe.Zoo.create"
        )
    return index.meta_json("plan", {})


def _in_units(said: np.ndarray, parts: Split, plan: Mapping[str, Any]) -> np.ndarray:
    """Logits, or predictions in standard deviations of the target: (n, c) float32."""
    said = said[:, None] if said.ndim == 1 else said
    if said.ndim != 2 or said.shape != (plan["rows"], parts.outputs):
        what = "class" if parts.kind == "classification" else "value"
        due = f"({plan['rows']}, {parts.outputs})"
        raise DataError(f"model gives outputs of shape {said.shape}, {due} is due: one row a row of target, one column a {what}")
    check_finite(said, "outputs of the model")
    if parts.kind == "regression":
        said = (said.astype(np.float64) - plan["target_mean"]) / plan["target_sd"]
    elif are_probabilities(said):
        said = np.log(np.maximum(said.astype(np.float64), LEAST_PROBABLE))
    return np.ascontiguousarray(said, dtype=np.float32)


def _taught(
    job: Job, there: Mapping[str, Job], teacher: str | None, twin: str | None, scheme: str, distiller: str | None, alpha: float | None,
    temperature: float | None, parts: Split,
) -> tuple[Job, str]:  # fmt: skip
    """The job of a student, and the id of its twin."""
    own = _one(
        "teacher", teacher, there, [model for model, other in there.items() if (other.role, other.seed) == ("teacher", job.seed)], job
    )
    same = [
        model
        for model, other in there.items()
        if (other.role, other.seed, other.family, other.width) == ("twin", job.seed, job.family, job.width)
    ]
    beside = _one("twin", twin, there, same, job)
    if there[own].seed != job.seed:
        raise PlanError(
            f"a student of seed {job.seed} was taught by a teacher of seed {there[own].seed}: here each seed has a teacher of its own; for "
            "one teacher and several students use kdprobe.compare"
        )
    find("schemes", scheme)
    name = distiller or ("kd" if parts.kind == "classification" else "l2_imitation")
    loss: Distiller = find("distillers", name)
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 <= alpha <= 1:
        raise PlanError(f"alpha={alpha!r}: give the weight of the teacher's loss that the student was trained with, from 0 to 1")
    parameters = dict(loss.parameters)
    if "temperature" in parameters:
        parameters["temperature"] = (
            1.0 if temperature is None else number("temperature", temperature, above=0, most=1e6, advice="give it as it was")
        )
    elif temperature is not None:
        raise PlanError(f"temperature={temperature}: {name} has none, leave it out")
    how = {"scheme": scheme, "distiller": name, "alpha": float(alpha), "parameters": parameters}
    rows = {"transfer_rows": "transfer"}.get(scheme, "train")
    return msgspec.structs.replace(job, teacher=own, rows=rows, **how), beside


def _one(role: str, given: str | None, there: Mapping[str, Job], usual: Sequence[str], job: Job) -> str:
    """Id of the teacher or twin of a student: the one that is named, or the only one that can be."""
    if given is not None:
        found = [model for model, other in there.items() if model.startswith(given) and other.role == role] if given else []
        if len(found) == 1:
            return found[0]
        raise PlanError(f"{role}={given!r} fits {'no' if not found else 'several'} {role}s of this zoo: give the id that add returned")
    if len(usual) == 1:
        return usual[0]
    if not usual:
        what = f"{role} of seed {job.seed}" + (f" with family {job.family!r} and width {job.width}" if role == "twin" else "")
        raise PlanError(f"a student needs its {role}, and there is no {what}: add that first, or name it with {role}=")
    raise PlanError(f"there are {len(usual)} {role}s of seed {job.seed}: say which with {role}=")


def _refuse_double(job: Job, there: Mapping[str, Job]) -> None:
    names = (*SAME, *(("teacher", "scheme", "distiller", "alpha", "parameters") if job.role == "student" else ()))
    for model, other in there.items():
        if all(getattr(other, name) == getattr(job, name) for name in names):
            raise PlanError(
                f"there is a {job.role} {job.family}-{job.width} of seed {job.seed} already ({model[:12]}): give another seed, family or "
                "width"
            )


def _write(path: Path, job: Job, state: dict[str, torch.Tensor], task: Any, parts: Split, size: int, twin_id: str | None) -> None:
    module = recorded(state, 0).eval()
    scores = [{"model_id": job.id, **score} for score in score_model(module, task, parts)]
    with torch.no_grad():
        said = module(torch.from_numpy(np.array(parts.validation.x)))[0]
    y = torch.from_numpy(np.array(parts.validation.y, dtype=np.int64 if parts.kind == "classification" else np.float32))
    loss = label_loss(parts.kind, said, y).mean().reshape(1, 1)
    # how it was trained is not known: of its history there is the loss on validation rows of what was kept
    known = {"loss": loss, "validation_loss": loss.clone(), "gradient_norm": torch.zeros(1, 1)}
    history = {name: known[name] for name in HISTORY} | {"entries": torch.ones(1, dtype=torch.int64), "step": torch.tensor([0])}
    row = model_row(
        job, kind=parts.kind, size=size, flops=0, engine=ASKS, twin_id=twin_id, slot=0, targets=None, status="done", reason="", seconds=0.0
    )
    with Writer(path) as writer:
        shard = write_shard(path, state | {f"history.{name}": values for name, values in history.items()}, [row], scores)
        writer.record_models([row | {"shard": shard}], scores)
