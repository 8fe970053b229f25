"""The contracts of what is trained: families of networks, and distillers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from kdprobe.core.errors import ContractError
from kdprobe.core.trace import TaskKind

Knowledge = Literal["none", "response", "intermediate", "relation", "information", "control"]
Need = Literal["outputs", "features", "labels"]
Head = Literal["plain", "gaussian", "histogram"]
HEADS: Mapping[Head, int] = {"plain": 1, "gaussian": 2, "histogram": 50}
"""Outputs of a student's network for each output of its task."""
Option = int | float | str
Fit = Literal["steps", "ridge", "predictor"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Networks of one shape at many sizes.

    Parameters
    ----------
    build
        (input shape, number of outputs, width, torch.Generator, ``**options``) -> torch.nn.Module whose ``forward(x)`` returns
        (outputs (n, c), {layer name: features}) with the layers in forward order. All randomness comes from the generator. The forward
        pass runs under ``torch.func.functional_call`` and ``vmap``, in training mode too, and makes new tensors on x's device. Dropout
        is a ``torch.nn.Dropout`` module called once a pass: engines put a mask of the model's own generator in its place.
    flops
        (input shape, number of outputs, width, ``**options``) -> multiply-adds of one forward pass of one row.
    options
        Names and defaults of what else shapes a network, such as {"depth": 1, "norm": "none", "dropout": 0.0}.
    knob
        What the width counts, for axis labels.
    fit
        "steps": all weights are trained by an optimiser. "ridge": only ``module.output``, a linear layer on the last hidden one, is fitted,
        in closed form, to squared error with the penalty ``options["ridge"]``; hidden layers stay as they are drawn, so they are buffers
        that are not stored (``persistent=False``), and sizes count the fitted numbers. Such a student can learn from distillers that are
        `squared`. "predictor": the network is filled at once from labelled rows by ``module.learn(x, y, kind, rng)``, with x (n, ...)
        float32, y (n,) int64 classes or (n, c) float64, and a ``numpy.random.Generator``, of which it makes use: sibling teachers differ
        by it alone. All that it learns is in its state, whose shapes the width and the options settle, so that a zoo stores it as any
        network's. Such a family teaches and is not taught, and has no hidden layers: ``forward`` gives (outputs, {}).
    package
        Package beside kdprobe's own that it needs, such as "lightgbm"; "" for none.
    counted
        What is counted as a parameter, where it is no weight of a network.
    """

    name: str
    title: str
    build: Callable[..., Any]
    flops: Callable[..., int]
    options: Mapping[str, Option] = field(default_factory=dict[str, Option])
    knob: str = "hidden units"
    minimum_width: int = 1
    fit: Fit = "steps"
    package: str = ""
    counted: str = ""
    cites: str = ""


class View(NamedTuple):
    """What a loss sees of one model on one batch (torch tensors)."""

    outputs: Any
    """(n, c) logits or predictions."""
    features: Mapping[str, Any]
    """Hidden layers by name, in forward order; empty unless the distiller needs "features"."""
    labels: Any = None
    """(n,) classes or (n, c) values of the batch; None on transfer rows."""
    auxiliary: Any = None
    """The distiller's own trainable module; None unless it declares one. It can only be called: its parameters belong to the engine."""
    kind: TaskKind = "regression"
    """Whether the outputs are logits or predictions."""


class Shapes(NamedTuple):
    """What is known of a student and its teacher before either is trained."""

    kind: TaskKind
    outputs: int
    """Classes or target columns; the student's network has `HEADS` times as many outputs."""
    student: Mapping[str, tuple[int, ...]]
    """Shape of one row of each hidden layer, in forward order."""
    teacher: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class LossTruth:
    """Input of a loss whose answer is known.

    Parameters
    ----------
    make
        rng -> (student, teacher): numpy outputs (n, c), or a View of numpy arrays where features or labels are needed.
    oracle
        (student, teacher, ``**parameters``) -> (n,) in float64 NumPy, written from the paper and not from the loss. With an auxiliary
        module, the student's View holds its state as {name: array} in `auxiliary`.
    kind
        Kind of task of the case; None where the distiller is for one kind alone.
    """

    name: str
    make: Callable[[Any], tuple[Any, Any]]
    oracle: Callable[..., Any]
    parameters: Mapping[str, float] = field(default_factory=dict[str, float])
    kind: TaskKind | None = None
    tolerance: float = 1e-5


@dataclass(frozen=True, kw_only=True)
class ClosedForm:
    """A loss of outputs alone whose gradient is known, for engines that need no graph: several times as fast.

    Parameters
    ----------
    slope
        (student outputs (..., c), targets, ``**parameters``) -> (loss (..., 1), its gradient by the outputs (..., c)), in torch. `targets`
        is what `fixed` gives, for the same rows. Parameters may be tensors that broadcast against the outputs.
    fixed
        (teacher outputs (..., c), ``**parameters``) -> {name: (..., k)}: what the loss needs of the teacher. Computed once for all rows.
    """

    slope: Callable[..., tuple[Any, Any]]
    fixed: Callable[..., Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Distiller:
    """A teacher's loss.

    Parameters
    ----------
    knowledge
        Which of the survey's four kinds of knowledge it transfers; "none" for the twin, "control" for controls.
    loss
        (student: View, teacher: View, ``**parameters``) -> (n,) teacher loss per sample, in torch, differentiable by the student, free of
        in-place writes and data-dependent branches, so that it runs under ``torch.func.vmap``. The engine mixes
        (1 - alpha)·label loss + alpha·this. None for the twin.
    batchwise
        Whether a row's loss depends on the other rows of its batch, as relations do. The mean over the batch is then the loss.
    needs
        What it reads of student and teacher. "features" and "labels" cost memory and time, so they are given only where declared. A
        sweep refuses a distiller that needs labels on rows without labels.
    head
        "gaussian" gives the student 2·c outputs: the c means, then the c log-variances. Only the means are its predictions; the label
        loss is the negative log-likelihood. "histogram" gives it the logits of 50 bins for each target, one target after the other; its
        predictions are the means of the histograms, the label loss is the cross-entropy from the label's own smoothed histogram.
    auxiliary
        (Shapes, torch.Generator) -> torch.nn.Module trained with the student and thrown away: a regressor, a critic. All its
        randomness comes from the generator.
    prepare
        (teacher outputs (n, c), labels or None, numpy Generator) -> changed teacher outputs, once before training. Controls break
        the teacher's information this way. Labels are classes (n,), or None where the rows have none; those of regression, (n, c), are
        shown to a distiller that needs "labels", which then is refused on rows without them.
    refuses
        Shapes -> why the loss is undefined there, or "". Asked when a sweep is planned, before anything trains.
    closed
        The loss and its gradient in closed form, where it reads nothing but outputs; optional.
    squared
        Whether the loss is the squared distance of the outputs, up to a constant. Learning from it is then learning
        (1-alpha)·label + alpha·teacher, which families that are fitted in closed form can do.
    parameters
        Names and defaults of the parameters it takes, such as {"temperature": 4.0}. Two names have a meaning for plans: "temperature" is
        set to the plan's. "response" is the weight of a response loss that a loss on hidden layers adds to itself, 0 by default: where
        rows have no labels a plan sets it to (1-alpha)/alpha, because nothing else would train the output layer.
    formula
        The loss in one line, for reports.
    """

    name: str
    title: str
    knowledge: Knowledge
    tasks: tuple[TaskKind, ...]
    loss: Callable[..., Any] | None
    formula: str
    parameters: Mapping[str, float] = field(default_factory=dict[str, float])
    needs: tuple[Need, ...] = ("outputs",)
    batchwise: bool = False
    head: Head = "plain"
    auxiliary: Callable[[Shapes, Any], Any] | None = None
    prepare: Callable[[Any, Any, Any], Any] | None = None
    refuses: Callable[[Shapes], str] | None = None
    closed: ClosedForm | None = None
    squared: bool = False
    truths: tuple[LossTruth, ...] = ()
    cites: str = ""

    def __post_init__(self) -> None:
        if self.loss is not None and not self.truths:
            raise ContractError(f"distiller {self.name!r} has no truths: give at least one case with an oracle")
