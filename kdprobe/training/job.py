"""A job: everything that determines one trained model, and so its id."""

from functools import cached_property

import msgspec

from kdprobe.core.identity import content_id
from kdprobe.core.recipe import Option
from kdprobe.core.scheme import Inputs, Labels, Role, Rows, Subset, Weights

SCHEMA = 5
"""Raised whenever the same job would give another model or another file."""
LATER: dict[str, object] = {
    **{"labels": "own", "sources": None, "peers": (), "matches": None, "stream_of": "", "row_limit": None, "label_noise": 0.0},
    **{"taught_on": None, "taught_row_limit": None, "subset": "", "inputs": "own", "shift": False, "noise": 0.0, "weights": "equal"},
    "imported": "",
}
"""Fields that came later: where a job does not use one, its id is what it was before."""
TUNING_SEEDS = 10_000
"""Seeds from here on are for choosing settings on validation rows, and are in no result."""


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
        "teacher", "twin", "student", or another stage of a scheme. A student and its paired twin share initialisation and batch order;
        every other role has streams of its own even where its width and seed are the same.
    seed
        The paired unit of a sweep.
    rows, labels
        Which rows it learns from, and which labels of theirs it sees; see `kdprobe.core.scheme.Stage`.
    row_limit
        How many of the rows, in the order of the draw; None for all.
    label_noise
        How noisy their labels are made; see `kdprobe.tasks.label_noise`.
    taught_on, taught_row_limit
        Other rows that its teachers speak on, and how many of them: each step takes a batch of both. None where those rows are `rows`.
    subset, shift, noise
        Which of the rows are its own, whether their inputs are moved, and the noise on them; see `kdprobe.core.scheme.Stage`.
    inputs
        How it sees every row, in training and ever after.
    weights
        What each of several teachers counts for.
    scheme, distiller, parameters, alpha
        The scheme a student belongs to, its teacher's loss with all parameters, and the weight of that loss.
    teacher
        Id of the model that a student is read against: the one that teaches it, if `sources` does not say otherwise.
    sources
        Ids of the models whose mean output teaches it; None for the teacher alone.
    peers
        What `alone` says of the jobs that learn together with it: their ids would go round in a circle.
    matches
        Id of a model: the weights are kept whose loss on the validation rows is nearest to that model's.
    stream_of
        Role whose random streams it shares; "" for the role's own.
    steps, batch_size, learning_rate, weight_decay
        AdamW with a cosine schedule down to zero. Steps, not epochs, so that a student on transfer rows and its twin on labelled rows
        have the same number of updates.
    gradient_clip
        Largest norm of the gradient of all parameters; 0 leaves it as it is.
    imported
        Hash of what a model said that was trained elsewhere; "" for all that kdprobe trains.
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
    row_limit: int | None = None
    label_noise: float = 0.0
    taught_on: Rows | None = None
    taught_row_limit: int | None = None
    subset: Subset = ""
    inputs: Inputs = "own"
    shift: bool = False
    noise: float = 0.0
    weights: Weights = "equal"
    scheme: str = ""
    distiller: str = "none"
    parameters: dict[str, float] = msgspec.field(default_factory=dict)
    alpha: float = 0.0
    teacher: str | None = None
    labels: Labels = "own"
    sources: tuple[str, ...] | None = None
    peers: tuple[str, ...] = ()
    matches: str | None = None
    stream_of: Role = ""
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    gradient_clip: float = 0.0
    patience: int = 0
    imported: str = ""
    schema: int = SCHEMA

    @cached_property
    def id(self) -> str:
        """Content id of the model that this job gives."""
        unused = {name for name, default in LATER.items() if getattr(self, name) == default}
        return content_id({name: value for name, value in msgspec.structs.asdict(self).items() if name not in unused})

    @property
    def alone(self) -> str:
        """Id of what it is without those it learns together with."""
        return msgspec.structs.replace(self, peers=(), teacher=None).id

    @property
    def stream(self) -> str:
        """Name of the random streams: twins and students share theirs, every other role has its own."""
        return self.stream_of or ("student" if self.role == "twin" else self.role)

    @property
    def taught_by(self) -> tuple[str, ...]:
        """Ids of the trained models whose outputs it learns from."""
        return self.sources if self.sources is not None else () if self.teacher is None else (self.teacher,)

    @property
    def needs(self) -> frozenset[str]:
        """Ids of models that must be there before it can be trained."""
        return frozenset((*self.taught_by, *(() if self.matches is None else (self.matches,))))

    @property
    def teaches(self) -> bool:
        """Whether it is there to teach, so that what it says of every row is kept."""
        return self.role not in ("twin", "student") and not self.peers

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
            *(self.labels, bool(self.taught_by), len(self.peers), self.matches is None, self.row_limit, self.label_noise),
            *(self.taught_on, self.taught_row_limit, *self.of_rows),
        )

    @property
    def of_rows(self) -> tuple[object, ...]:
        """What is done to the rows that it learns from, and to what is said of them."""
        return (self.subset, self.inputs, self.shift, self.noise, self.weights)
