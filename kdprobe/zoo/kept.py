"""How good the kept weights of a zoo's models are on the validation rows, which settings are chosen by."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pandas as pd

from kdprobe.core.errors import DataError
from kdprobe.training.job import Job
from kdprobe.training.stopping import kept_loss
from kdprobe.zoo.index import Index
from kdprobe.zoo.shards import read_shard


def kept_losses(index: Index, path: Path, model_ids: Sequence[str] | None) -> pd.Series:
    """See `kdprobe.zoo.Zoo.kept_losses`."""
    rows = index.rows("SELECT model_id, job, shard, slot FROM models WHERE status = 'done' ORDER BY rowid")
    trained = {row["model_id"]: row for row in rows}
    found: dict[str, float] = {}

    def kept(model: str) -> float:
        if model not in found:
            row = trained[model]
            job = msgspec.json.decode(row["job"], type=Job)
            if job.matches is not None and job.matches not in trained:
                raise DataError(
                    f"model {model[:12]}… was stopped at the loss of {job.matches[:12]}…, which this zoo does not hold: "
                    "run the sweep into a new folder"
                )
            tensors = read_shard(path, row["shard"])
            losses = tensors["history.validation_loss"][row["slot"], : int(tensors["history.entries"][row["slot"]])]
            # a chain of models that match each other is as long as a scheme has stages
            goal = None if job.matches is None else kept(job.matches)
            found[model] = kept_loss(losses.double().numpy(), patience=job.patience, goal=goal)
        return found[model]

    wanted = list(trained) if model_ids is None else [model for model in model_ids if model in trained]
    return pd.Series([kept(model) for model in wanted], index=pd.Index(wanted, name="model_id"), name="validation_loss", dtype=float)
