"""A job: everything that determines one trained model, and so its id."""

from functools import cached_property

import msgspec

from kdprobe.core.identity import content_id
from kdprobe.core.recipe import Option, Role, Rows

SCHEMA = 3
"""Raised whenever the same job would give another model or another file."""


class Job(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One model to train.

    Parameters
    ----------
    task, data
        Name of the task, and the content hash of its split: the rows, their order and their values.
    draw
        Which draw of labelled rows; part of the hash in `data` too, here for tables.
    family, width, options
        The network. Its size in parameters follows from them. All options of the family are given, defaults too.
    role
        "teacher", "twin" or "student". A student and its paired twin share initialisation and batch order; a teacher has streams of
        its own even where its width and seed are the same.
    seed
        The paired unit of a sweep.
    rows
        Which rows it learns from.
    scheme, distiller, parameters, alpha, teacher
        The scheme a student belongs to, its teacher's loss with all parameters, the weight of that loss, and the id of the teacher.
    steps, batch_size, learning_rate, weight_decay
        AdamW with a cosine schedule down to zero. Steps, not epochs, so that a student on transfer rows and its twin on labelled rows
        have the same number of updates.
    gradient_clip
        Largest norm of the gradient of all parameters; 0 leaves it as it is.
    patience
        Checks on the validation rows, of `CHECKS` in all, without a better loss after which training ends; the best weights are then
        kept. 0 trains all steps and keeps the last weights.
    """

    task: str
    data: str
    draw: int
    family: str
    width: int
    options: dict[str, Option] = msgspec.field(default_factory=dict)
    role: Role
    seed: int
    rows: Rows = "train"
    scheme: str = ""
    distiller: str = "none"
    parameters: dict[str, float] = msgspec.field(default_factory=dict)
    alpha: float = 0.0
    teacher: str | None = None
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    gradient_clip: float = 0.0
    patience: int = 0
    schema: int = SCHEMA

    @cached_property
    def id(self) -> str:
        """Content id of the model that this job gives."""
        return content_id(self)

    @property
    def stream(self) -> str:
        """Name of the random streams: twins and students share theirs, teachers have their own."""
        return "teacher" if self.role == "teacher" else "student"

    @property
    def network(self) -> tuple[object, ...]:
        """What determines the architecture, apart from the shapes of inputs and outputs."""
        return (self.family, self.width, tuple(sorted(self.options.items())))

    @property
    def stack_key(self) -> tuple[object, ...]:
        """Jobs with equal keys can be trained in one stack: they differ in seed, teacher and numbers only."""
        return (
            *(self.task, self.data, *self.network, self.role, self.rows, self.scheme, self.distiller),
            *(tuple(sorted(self.parameters)), self.steps, self.batch_size, self.patience),
        )
