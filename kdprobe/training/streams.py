"""Random streams of a model: initialisation, batch order, dropout and auxiliary module, each from a generator of its own."""

import numpy as np
import torch
from torch import nn

from kdprobe.core.identity import derived_seed
from kdprobe.core.recipe import Distiller, Family, Shapes
from kdprobe.training.job import Job


def initial_module(job: Job, family: Family, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Build the network of a job, on the CPU and alone, so that it does not depend on what else is trained beside it."""
    return family.build(input_shape, outputs, job.width, generator_of(job, "init"), **job.options)


def initial_auxiliary(job: Job, distiller: Distiller, shapes: Shapes) -> nn.Module | None:
    """Build the auxiliary module of a distiller, alone; None where it declares none."""
    return None if distiller.auxiliary is None else distiller.auxiliary(shapes, generator_of(job, "auxiliary"))


def generator_of(job: Job, purpose: str) -> torch.Generator:
    """A new generator on the CPU for one purpose: what it draws is the same on every device."""
    return torch.Generator().manual_seed(derived_seed(job.seed, job.draw, job.stream, purpose))


def batch_order(job: Job, rows: int, purpose: str = "order") -> np.ndarray:
    """Return the rows of every batch, (steps, batch) int32: pass after pass over permuted rows, no row left out at the end of a pass.

    Every model has an order of its own. One order shared by all seeds would correlate them: the standard error over seeds would
    then be too small.

    Parameters
    ----------
    purpose
        Of the stream: rows that a student is taught on beside those of its twin have one of their own, so that the others stay the twin's.
    """
    rng = np.random.default_rng(derived_seed(job.seed, job.draw, job.stream, purpose))
    batch = min(job.batch_size, rows)
    passes = -(-job.steps * batch // rows)
    stream = np.concatenate([rng.permutation(rows).astype(np.int32) for _ in range(passes)])
    return stream[: job.steps * batch].reshape(job.steps, batch)
