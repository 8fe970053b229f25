"""Schemes: who is trained on what, in which stages, taught by whom. Pure data; engines and plans execute them."""

from dataclasses import KW_ONLY, dataclass, fields
from typing import Literal

from kdprobe.core.errors import ContractError

Role = str
"""Name of a stage, and of the models that it trains: "teacher", "twin", "student" and whatever else a scheme needs."""
Rows = Literal["train", "transfer"]
Labels = Literal["own", "true", "other task"]
Size = Literal["teacher", "between", "student"]
Inputs = Literal["own", "half", "neighbours"]
Subset = Literal["", "first half", "second half", "client 1", "client 2", "client 3", "client 4", "client 5"]
Weights = Literal["equal", "validation", "own rows"]


OF_TWINS = frozenset({"share", "subset", "inputs", "shift"})
"""Settings of a stage that a twin may have: those of the rows that it and its student learn from."""


@dataclass(frozen=True)
class Stage:
    """One training run of a scheme.

    Parameters
    ----------
    role
        What is trained. Stages of one role with the same settings are one and the same model in every scheme of a plan.
    rows
        The rows it sees.
    labels
        "own": train rows have their labels, transfer rows have none. "true" shows the labels of transfer rows too, for controls.
        "other task": labels of another task on the same inputs, see `kdprobe.tasks.other_task`.
    taught_by
        Roles whose outputs are its targets; none for a run from labels alone. Of several teachers the mean is the target: of their
        predicted probabilities, or of their predictions.
    taught_on
        Other rows, without labels, that its teachers speak on: a step then takes a batch of `rows`, whose labels it learns, and a batch
        of the same size of these, on which it is taught, so it sees twice the rows of a step of its twin. None where it is taught on the
        rows it sees anyway.
    together
        Whether those who teach it still learn themselves, step by step with it, and are taught by it. Each has batches of its own: peers
        that saw the same ones would be alike without any teaching.
    alpha
        Fixed weight of the teacher's loss; None takes the plan's. Rows without labels need 1.
    size
        Whose width it has; "between" is the geometric mean of teacher's and student's. By default the student's for students and twins,
        else the teacher's.
    steps
        Optimiser steps, as a share of the plan's. 0 leaves the network untrained.
    stream
        Role whose initialisation and batch order it shares; by default its own. Students and twins share the student's.
    matches
        Role of a trained model: of its own training it keeps the weights whose loss on the validation rows is nearest to that model's.
    share
        Share of the train rows that it learns from: those drawn first.
    subset
        Which of the train rows are its own: those of one half of the classes (or below or above the median of the target), or of one of
        five clients; "" for all. See `kdprobe.tasks.subsets`.
    inputs
        How it sees every row, in training and ever after: "half" of the columns or of the image, or averaged with its nearest
        "neighbours". See `kdprobe.tasks.views`. Those who teach it see what they see themselves.
    shift
        Whether it learns on a source whose inputs are moved; the task's own rows are the target. See `kdprobe.tasks.views.shifted`.
    noise
        Standard deviation of the noise on the inputs that it learns from, in fixed views of each row; its teachers speak of the rows
        without noise.
    weights
        What each of several teachers counts for in their mean: all the same, by their loss on the validation rows, or by whose own rows
        (see `subset`) a row belongs to.
    """

    role: Role
    _: KW_ONLY
    rows: Rows = "train"
    labels: Labels = "own"
    taught_by: tuple[Role, ...] = ()
    taught_on: Literal["transfer"] | None = None
    together: bool = False
    alpha: float | None = None
    size: Size | None = None
    steps: float = 1.0
    stream: Role | None = None
    matches: Role | None = None
    share: float = 1.0
    subset: Subset = ""
    inputs: Inputs = "own"
    shift: bool = False
    noise: float = 0.0
    weights: Weights = "equal"

    def __post_init__(self) -> None:
        if self.taught_by and not self.labelled and self.alpha != 1.0:
            raise ContractError(f"stage {self.role!r} sees transfer rows, which have no labels: give it alpha=1.0")
        if not self.taught_by and not self.labelled:
            raise ContractError(f"stage {self.role!r} has neither labels nor a teacher: it has nothing to learn from")
        if self.taught_by and self.role in ("teacher", "twin"):
            raise ContractError(
                f"stage {self.role!r} is taught by {self.taught_by}: what students are read against learns from labels alone"
            )
        own = [option.name for option in fields(self)[1:] if option.init and getattr(self, option.name) != option.default]
        if self.role == "twin" and not set(own) <= OF_TWINS:
            raise ContractError(
                "stage 'twin' has settings of its own: it differs from its student by having no teacher, and in nothing else"
            )
        self._check_rows()
        if self.taught_on and (self.rows == self.taught_on or not self.taught_by or self.together):
            raise ContractError(
                f"stage {self.role!r} has taught_on={self.taught_on!r}: that is for a stage that sees train rows and is taught, by models "
                "that are trained already: leave it out"
            )
        if self.together and not (self.taught_by and self.labelled):
            raise ContractError(
                f"stage {self.role!r} learns together with nobody, or without labels: networks that start knowing nothing need both"
            )
        if self.matches is not None and self.taught_by:
            raise ContractError(
                f"stage {self.role!r} is taught and matches {self.matches!r}: only an untaught run can be stopped at another's loss"
            )
        if not 0 <= self.steps <= 100:
            raise ContractError(f"stage {self.role!r} has steps={self.steps}: give a share of the plan's, from 0 to 100")

    def _check_rows(self) -> None:
        if not 0 < self.share <= 1:
            raise ContractError(f"stage {self.role!r} has share={self.share}: give a share of the train rows, above 0 and up to 1")
        if not 0 <= self.noise <= 10:
            raise ContractError(f"stage {self.role!r} has noise={self.noise}: give a standard deviation from 0 to 10")
        if self.rows != "train" and (self.share != 1 or self.subset):
            raise ContractError(f"stage {self.role!r} has share or subset and sees no train rows: both are of train rows, leave them out")
        if self.shift and self.taught_by:
            raise ContractError(f"stage {self.role!r} is taught and learns on the source: teachers speak of the target, leave shift out")
        if self.weights != "equal" and len(self.taught_by) < 2:
            raise ContractError(f"stage {self.role!r} has weights={self.weights!r} and not several teachers: leave weights out")
        if self.weights == "own rows" and (self.rows != "train" or self.taught_on):
            raise ContractError(
                f"stage {self.role!r} has weights='own rows' where rows have no labels: whose row one is, its label says; give rows='train'"
            )
        if self.together and (self.inputs, self.noise, self.weights) != ("own", 0.0, "equal"):
            raise ContractError(
                f"stage {self.role!r} learns together with others: all see the same inputs, leave inputs, noise, weights out"
            )

    @property
    def labelled(self) -> bool:
        """Whether it sees labels."""
        return self.rows == "train" or self.labels != "own"

    @property
    def counts_steps(self) -> bool:
        """Whether it says something of the steps of its training."""
        return self.together or self.steps != 1 or self.matches is not None

    @property
    def labels_where_taught(self) -> bool:
        """Whether the rows that its teachers speak on have labels for it."""
        return self.labelled and self.taught_on is None

    def sees(self, rows: Rows) -> bool:
        """Whether some of its rows are of this part."""
        return rows in (self.rows, self.taught_on)

    @property
    def sees_otherwise(self) -> bool:
        """Whether it sees rows in another form than those who teach it see them."""
        return self.inputs != "own" or self.noise > 0

    @property
    def width(self) -> Size:
        """Whose width it has."""
        return self.size or ("student" if self.role in ("student", "twin") else "teacher")

    @property
    def needs(self) -> tuple[Role, ...]:
        """Roles that must be trained before it starts."""
        return (*(() if self.together else self.taught_by), *(() if self.matches is None else (self.matches,)))


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A way to distil, as pure data.

    Parameters
    ----------
    objective
        The survey's objective: compression, expansion, adaptation or enhancement; "control" where the student is to show what teaching is
        not.
    regime
        What a reader calls it, as in "distilled on the teacher's own rows".
    expects
        What to expect of the student, in words.
    stages
        The plan's teacher, the twin and the student among them. Students of all schemes are read against the teacher, whoever taught them.
    controls
        Names of control schemes that show what its rows and steps give without its teacher. A plan trains them beside it, under one
        teacher size: what taught them is no teacher of the plan's.
    beats
        Names of other schemes with the same twin that it is said to gain more than: the rungs of its ladder that have a teacher.
    below
        Names of schemes with the same twin that it is said to stay below: what the labels that it lacks would be worth.
    student_size
        How large the student is beside its teacher. A plan's students are those of the plan where it is "smaller"; "same" gives each of
        them a teacher of its own width, and of a "larger" one the plan's widest network is the student, of teachers up to its size.
    """

    name: str
    title: str
    objective: Literal["compression", "expansion", "adaptation", "enhancement", "control"]
    regime: str
    expects: str
    stages: tuple[Stage, ...]
    controls: tuple[str, ...] = ()
    cites: str = ""
    beats: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    student_size: Literal["smaller", "same", "larger"] = "smaller"

    def __post_init__(self) -> None:
        roles = [stage.role for stage in self.stages]
        if roles.count("student") != 1 or roles.count("twin") != 1:
            raise ContractError(f"scheme {self.name!r} has stages {roles}: a scheme has one student and one twin")
        if len(set(roles)) < len(roles):
            raise ContractError(f"scheme {self.name!r} has stages {roles}: give each role once")
        for stage in self.stages:
            missing = [role for role in (*stage.taught_by, *stage.needs) if role not in roles]
            if missing:
                raise ContractError(f"scheme {self.name!r}: {stage.role!r} is taught by {missing[0]!r}, which no stage trains")
        if "teacher" not in roles:
            raise ContractError(f"scheme {self.name!r} has stages {roles}: students are read against a teacher, whoever taught them")
        self._check_cohort()

    def _check_cohort(self) -> None:
        cohort = self.cohort
        if cohort and (self.student not in cohort or len(cohort) < 2):
            raise ContractError(f"scheme {self.name!r}: its student does not learn together with anybody")
        for stage in cohort:
            others = tuple(other.role for other in cohort if other is not stage)
            same = (stage.rows, stage.labels, stage.steps) == (cohort[0].rows, cohort[0].labels, cohort[0].steps)
            if stage.taught_by != others or not same:
                raise ContractError(
                    f"scheme {self.name!r}: {stage.role!r} learns together with {others}: "
                    "each must be taught by all others, with the same rows, labels and steps"
                )

    @property
    def student(self) -> Stage:
        """The stage that trains the student."""
        return self.stage("student")

    @property
    def judged(self) -> bool:
        """Whether claims on teaching are made of its student: not where a control is taught by nobody, or by another than the teacher."""
        return self.objective != "control" or "teacher" in self.student.taught_by

    @property
    def cohort(self) -> tuple[Stage, ...]:
        """Stages that learn together, the student's among them; none in most schemes."""
        return tuple(stage for stage in self.stages if stage.together)

    @property
    def taught(self) -> tuple[Stage, ...]:
        """Stages that have teachers."""
        return tuple(stage for stage in self.stages if stage.taught_by)

    @property
    def predicts(self) -> str:
        """What the literature that it cites says of its student, as a claim that paired gains can settle.

        Examples
        --------
        >>> from kdprobe.core.registry import find
        >>> find("schemes", "adaptation").predicts
        'gains over its twin and over few_labels_own_answers, less than all_target_labels'
        """
        over = [f"over {name}" for name in (*self.controls, *self.beats)]
        more = "".join(f", {name}" for name in over[:-1]) + (f" and {over[-1]}" if over else "")
        less = f", less than {' and '.join(self.below)}" if self.below else ""
        return f"gains over its twin{more}{less}"

    @property
    def read_against(self) -> tuple[Stage, Stage]:
        """The stages that its student is read against: teacher and twin. Students of schemes that differ in them are read apart."""
        return self.stage("teacher"), self.stage("twin")

    @property
    def takes_steps(self) -> bool:
        """Whether it says something of the steps of training, so that what is fitted in closed form cannot follow it."""
        return any(stage.counts_steps for stage in self.stages)

    def stage(self, role: Role) -> Stage:
        """The stage of a role."""
        return next(stage for stage in self.stages if stage.role == role)
