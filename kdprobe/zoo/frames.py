"""Tidy tables of a zoo."""

import json
from pathlib import Path

import msgspec
import pandas as pd

from kdprobe.core.axes import AXES
from kdprobe.training.job import Job
from kdprobe.training.problem import HISTORY
from kdprobe.zoo.index import Index
from kdprobe.zoo.shards import read_shard

_JOB = {
    **{"task": "task", "role": "role", "family": "family", "width": "width", "seed": "seed", "draw": "draw", "rows": "rows"},
    **{"scheme": "scheme", "distiller": "distiller", "alpha": "alpha", "steps": "steps", "learning_rate": "learning_rate"},
    **{"weight_decay": "weight_decay", "batch_size": "batch_size", "teacher": "teacher_id", "data": "data"},
    **{"gradient_clip": "gradient_clip", "patience": "patience", "label_noise": "label_noise"},
}
_JOB |= {axis.sets: axis.sets for axis in AXES.values() if not axis.parameter and axis.sets not in (*_JOB, "row_limit")}


def models(index: Index) -> pd.DataFrame:
    """One row a model. `row_count` is how many rows it was to learn from: of days or other blocks that stay whole there may be fewer.
    Where `rows` is "train + transfer" it saw the labels of so many, and was taught on `taught_row_count` others. `matched` says what
    taught the model whose loss it matches.
    """
    records, splits = [], index.meta_json("splits", {})
    for row in index.rows("SELECT * FROM models ORDER BY rowid"):
        # not the text as it is: a zoo of before a field came has it by default
        job = msgspec.to_builtins(msgspec.json.decode(row["job"], type=Job))
        sizes = splits.get(job["data"], {}).get("sizes", {})
        record = {"model_id": row["model_id"], "kind": row["kind"]} | {name: job[key] for key, name in _JOB.items()}
        record |= {"temperature": job["parameters"].get("temperature"), "loss_parameters": json.dumps(job["parameters"], sort_keys=True)}
        record |= {"options": json.dumps(job["options"], sort_keys=True)}
        record |= {"matched": job["matches"], "row_count": sizes.get(job["rows"]) if job["row_limit"] is None else job["row_limit"]}
        record |= {"taught_row_count": None}
        if job["taught_on"] is not None:
            count = sizes.get(job["taught_on"]) if job["taught_row_limit"] is None else job["taught_row_limit"]
            record |= {"rows": f"{job['rows']} + {job['taught_on']}", "taught_row_count": count}
        record |= {key: row[key] for key in ("size", "flops", "twin_id", "status", "reason", "seconds", "engine", "shard", "slot")}
        records.append(record)
    columns = ["model_id", "kind", *_JOB.values(), "temperature", "loss_parameters", "options", "matched", "row_count", "taught_row_count"]
    columns += ["size", "flops", "twin_id", "status", "reason", "seconds", "engine", "shard", "slot"]
    frame = pd.DataFrame(records, columns=columns)
    order = ["task", "draw", "role", "scheme", "distiller", "width", "teacher_width", "seed"]
    taught = dict(zip(frame["model_id"], frame["distiller"] + frame["alpha"].map(" α={:g}".format), strict=True))
    frame["matched"] = frame["matched"].map(taught.get)
    # a student's teacher by its width, so that tables need no second look-up
    for name in ("width", "size"):
        of_model = dict(zip(frame["model_id"], frame[name], strict=True))
        frame[f"teacher_{name}"] = frame["teacher_id"].map(of_model.get).astype("Int64")
    return frame.sort_values(order, kind="stable").reset_index(drop=True)


def scores(index: Index) -> pd.DataFrame:
    """One row a model × metric, measured on the rows B; temperatures on validation rows."""
    wide = models(index).loc[:, ["model_id", "task", "role", "width", "size", "seed", "draw", "scheme", "distiller"]]
    long = pd.DataFrame(index.rows("SELECT model_id, metric, rows, value FROM scores"), columns=["model_id", "metric", "rows", "value"])
    return wide.merge(long, on="model_id", how="inner")


def measurements(index: Index) -> pd.DataFrame:
    """One row a student × probe × comparison."""
    columns = ["model_id", "probe", "comparison", "value", "low", "high", "n", "unit", "status", "reason"]
    long = pd.DataFrame(index.rows("SELECT * FROM measurements"), columns=columns)
    for column in ("value", "low", "high"):
        long[column] = long[column].astype("Float64")
    students = models(index).rename(columns={"width": "student_width", "size": "student_size"})
    keys = ["model_id", "task", "scheme", "distiller", "teacher_width", "student_width", "teacher_size", "student_size", "seed", "draw"]
    return pd.merge(students.loc[students["role"] == "student", keys], long, on="model_id", how="inner")


def history(index: Index, path: Path, model_ids: list[str] | None) -> pd.DataFrame:
    """One row a model × recorded step that it reached."""
    pieces = []
    wanted = None if model_ids is None else set(model_ids)
    for row in index.rows("SELECT model_id, shard, slot FROM models WHERE status = 'done' ORDER BY rowid"):
        if wanted is not None and row["model_id"] not in wanted:
            continue
        tensors = read_shard(path, row["shard"])
        entries = int(tensors["history.entries"][row["slot"]])
        columns = {name: tensors[f"history.{name}"][row["slot"], :entries].double() for name in HISTORY}
        pieces.append(pd.DataFrame({"model_id": row["model_id"], "step": tensors["history.step"][:entries], **columns}))
    empty = pd.DataFrame(columns=["model_id", "step", *HISTORY])
    return pd.concat(pieces, ignore_index=True) if pieces else empty


def runs(index: Index) -> pd.DataFrame:
    """One wide row a model."""
    frame = models(index)
    scored = scores(index)
    if len(scored):
        wide = scored.assign(column=scored["metric"] + "." + scored["rows"]).pivot(index="model_id", columns="column", values="value")
        frame = frame.merge(wide.reset_index(), on="model_id", how="left")
    measured = measurements(index)
    if len(measured):
        names = measured["probe"] + "." + measured["comparison"]
        wide = measured.assign(column=names).pivot(index="model_id", columns="column", values="value")
        frame = frame.merge(wide.reset_index(), on="model_id", how="left")
        refused = measured.loc[measured["status"] == "refused"]
        texts = refused["probe"] + "." + refused["comparison"] + ": " + refused["reason"]
        reasons = texts.groupby(refused["model_id"]).agg("; ".join)
        frame["refusals"] = frame["model_id"].map(reasons.to_dict().get)
    return frame


def census(index: Index) -> pd.DataFrame:
    """Count models by task, role, family and width."""
    frame = models(index)
    keys = ["task", "role", "scheme", "family", "width"]
    counts = frame.groupby(keys).agg(
        parameters=("size", "first"), trained=("status", lambda s: int((s == "done").sum())), models=("status", "size")
    )
    return counts.reset_index()
