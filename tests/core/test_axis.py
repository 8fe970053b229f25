"""What an axis may be, and what is said where one is declared that would set nothing."""

from typing import Annotated

import pytest

from kdprobe.core.axes import AXES, Axes, Setting, settings
from kdprobe.core.axis import Axis, Numbers, axis_of
from kdprobe.core.errors import ContractError, PlanError

CLIP = {"sets": "gradient_clip", "low": 0.0, "high": 10.0, "label": "clipped at {:g}", "help": "Largest norm."}


def declared(default=None, **changes):
    return axis_of("clip", Annotated[Numbers | None, Axis(**(CLIP | changes))], default)


@pytest.mark.parametrize(
    ("default", "changes", "text"),
    [
        (None, {"sets": "batchsize"}, r"axis 'clip' has sets='batchsize': give parameters.NAME, or one of steps, batch_size"),
        (None, {"sets": "options.dropout"}, r"axis 'clip' has sets='options.dropout'"),
        (None, {"of": "students"}, r"axis 'clip' has of='students': give one of 'all', 'teachers', 'taught', 'labelled rows'"),
        (None, {"label": "clipped"}, r"axis 'clip' has label='clipped', the same for all values"),
        (1.0, {}, r"axis 'clip' has the default 1.0, in whose place a plan's own gradient_clip would never be taken: give None"),
        (20.0, {"sets": "alpha"}, r"axis 'clip' has the default 20.0, outside its own range 0 to 10"),
    ],
)
def test_an_axis_that_says_nothing_is_refused_where_it_stands(default, changes, text):
    with pytest.raises(ContractError, match=text):
        declared(default, **changes)


def test_a_field_without_an_axis_is_refused():
    with pytest.raises(ContractError, match=r"axis 'clip' has no Axis: write Annotated\[Numbers, Axis\(...\)\]"):
        axis_of("clip", Annotated[Numbers, "largest norm"], None)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((), "clip is empty: give at least one"),
        ((1, 1.0), "clip holds 1.0 twice: give each once"),
        (11, "clip=11: give a number from 0 to 10"),
        (float("nan"), "clip=nan: give a number from 0 to 10"),
        (float("inf"), "clip=inf: give a number from 0 to 10"),
        ("1", "clip='1': give a number"),
        (True, "clip=True: give a number"),
    ],
)
def test_values_out_of_range_are_refused(given, text):
    with pytest.raises(PlanError, match=text):
        declared().normalised(given)


def test_axes_are_the_fields_of_axes():
    assert list(AXES) == list(Axes.__dataclass_fields__)
    assert Setting().values == tuple(field.default for field in Axes.__dataclass_fields__.values())
    assert all(axis.help and axis.column for axis in AXES.values())
    assert len({axis.column for axis in AXES.values()}) == len(AXES)


def test_the_first_axis_is_slowest():
    found = settings({"train_rows": (100, None), "alpha": (0.3, 0.7)})
    assert [(setting["train_rows"], setting["alpha"]) for setting in found] == [(100, 0.3), (100, 0.7), (None, 0.3), (None, 0.7)]


def test_what_teachers_and_twins_share_leaves_out_what_reaches_students_alone():
    here, there = Setting().but(alpha=0.1, temperature=3.0, transfer_rows=50), Setting().but(alpha=0.9)
    assert here.of_teacher_and_twin == there.of_teacher_and_twin
    assert here.of_teacher_and_twin != Setting().but(label_noise=0.1).of_teacher_and_twin
