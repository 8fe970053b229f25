"""What an axis is: one thing that may vary within a sweep. Those that there are stand in `kdprobe.core.axes`."""

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, replace
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_type_hints

from kdprobe.core.errors import ContractError, PlanError
from kdprobe.core.spelling import axis_values

Numbers = float | tuple[float, ...]
Counts = int | tuple[int, ...]
Models = Literal["all", "teachers", "taught", "labelled rows", "transfer rows"]
MODELS = get_args(Models)
OPTIMISER = ("steps", "batch_size", "learning_rate", "weight_decay", "gradient_clip", "patience")
"""Fields of a job that say how the optimiser runs: a closed form takes none of them."""
PARAMETERS = "parameters."
JOB = (*OPTIMISER, "row_limit", "label_noise", "alpha")
"""Fields of a job that an axis may set."""
PLAIN = ("batch_size", "weight_decay", "gradient_clip", "patience")
"""Those of them that every plan has as a setting of all models: without a value an axis leaves it to stand."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One thing that may vary within a sweep.

    Parameters
    ----------
    sets
        Field of `kdprobe.training.job.Job` that its values go into, or "parameters.NAME" for a parameter of the teacher's loss.
    of
        Models that it is set for: "all"; "teachers" (of teacher's size); "taught" (students: their twins keep what the plan says, so that
        a gain is of both); or those that learn from "labelled rows" or from "transfer rows".
    low, high
        Smallest and largest value.
    whole
        Whether its values are whole numbers.
    tunable
        Whether it is a practitioner's free choice, which may be made on validation rows. Rows and noise are what the choice is made under.
        What is set for all models is chosen twice: for students, and once for their twins, so that each is at its own best.
    label
        What a report calls a value, as in "α={:g}".
    said
        What a sentence says of a value, as in "with {:,.0f} labelled rows"; by default "at" and the label: "at α 0.3".
    column
        Column of `kdprobe.Zoo.gains`; by default the field's name.
    help
        What it is, for the command line and for readers.
    name, default
        Of the field that declares it.
    """

    sets: str
    of: Models = "all"
    low: float
    high: float
    whole: bool = False
    tunable: bool = False
    label: str
    said: str = ""
    column: str = ""
    help: str
    name: str = ""
    default: float | None = None

    @property
    def parameter(self) -> str:
        """Parameter of the teacher's loss that it sets; "" where it sets a field of the job."""
        return self.sets.removeprefix(PARAMETERS) if self.sets.startswith(PARAMETERS) else ""

    @property
    def of_student_alone(self) -> bool:
        """Whether teachers and twins are the same under all of its values."""
        return self.of in ("taught", "transfer rows")

    def told(self, value: float) -> str:
        """What a sentence says of a value.

        Examples
        --------
        >>> Axis(sets="alpha", low=0.0, high=1.0, label="α={:g}", help="Weight.").told(0.3)
        'at α 0.3'
        """
        return (self.said or "at " + self.label.replace("=", " ")).format(value)

    def values(self, given: Any) -> tuple[Any, ...]:
        """Values of a plan's field, one or many."""
        return cast("tuple[Any, ...]", given) if isinstance(given, tuple) else (given,)

    def normalised(self, given: Any) -> Any:
        """Return values in the one form that a plan keeps: a number, or a tuple of several; whole numbers as int.

        Raises
        ------
        PlanError
            If a list is empty or holds a value twice, or a value is no number of the axis's range.

        Examples
        --------
        >>> clip = Axis(name="clip", sets="gradient_clip", low=0.0, high=9.0, label="clipped at {:g}", help="Largest norm.")
        >>> clip.normalised([1, 0.5]), clip.normalised([3]), clip.normalised(None)
        ((1.0, 0.5), 3.0, None)
        """
        if given is None and self.default is None:
            return None
        several = isinstance(given, Iterable) and not isinstance(given, str)
        listed: Iterable[Any] = cast("Iterable[Any]", given) if several else [given]
        values = tuple(self._checked(value) for value in listed)
        if not values:
            raise PlanError(f"{self.name} is empty: give at least one")
        for place, value in enumerate(values):
            if value in values[:place]:
                raise PlanError(f"{self.name} holds {value!r} twice: give each once")
        return values[0] if len(values) == 1 else values

    def _checked(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or (self.whole and value % 1 != 0 and abs(value) < float("inf")):
            raise PlanError(f"{self.name}={value!r}: give a {'whole ' if self.whole else ''}number")
        if not self.low <= value <= self.high:
            open_above = self.high >= 1e9 and value < self.low
            wanted = f"at least {self.low:g}" if open_above else f"a number from {self.low:g} to {self.high:g}"
            raise PlanError(f"{self.name}={value}: give {wanted}")
        return int(value) if self.whole else float(value)

    def differs(self, given: Any) -> bool:
        """Whether a plan's field asks something of it: several values, or one where by default there is none."""
        return isinstance(given, tuple) if self.default is not None else given is not None


Fields = TypeVar("Fields", bound=type)


def spelt(cls: Fields) -> Fields:
    """Add to the type of each field how the command line spells it; its help is the axis's."""
    for name, hint in get_type_hints(cls, include_extras=True).items():
        found = axis_of(name, hint, getattr(cls, name, MISSING))
        spelling = axis_values(name.replace("_", "-"), found.normalised, found.help)
        cls.__annotations__[name] = Annotated[(get_args(hint)[0], found, spelling)]
    return cls


def axis_of(name: str, hint: Any, default: Any) -> Axis:
    """The axis that a field declares.

    Raises
    ------
    ContractError
        If the field declares none, or one that would set nothing, or not what it says.
    """
    declared = next((part for part in get_args(hint)[1:] if isinstance(part, Axis)), None)
    if declared is None:
        raise ContractError(f"axis {name!r} has no Axis: write Annotated[Numbers, Axis(...)], as the fields beside it do")
    found = replace(declared, name=name, column=declared.column or name, default=default)
    if not found.parameter and found.sets not in JOB:
        raise ContractError(f"axis {name!r} has sets={found.sets!r}: give {PARAMETERS}NAME, or one of {', '.join(JOB)}")
    if found.of not in MODELS:
        raise ContractError(f"axis {name!r} has of={found.of!r}: give one of {', '.join(map(repr, MODELS))}")
    if found.label == found.label.format(0):
        raise ContractError(f"axis {name!r} has label={found.label!r}, the same for all values: give one such as 'α={{:g}}'")
    if default is not None and found.sets in PLAIN:
        raise ContractError(
            f"axis {name!r} has the default {default!r}, in whose place a plan's own {found.sets} would never be taken: give None"
        )
    if default is not None and not found.low <= default <= found.high:
        raise ContractError(f"axis {name!r} has the default {default!r}, outside its own range {found.low:g} to {found.high:g}")
    return found
