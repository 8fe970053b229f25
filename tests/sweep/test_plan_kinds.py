"""What every kind of plan gets from `Plan`, whoever writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from kdprobe.core.axes import Axes
from kdprobe.core.errors import ContractError, PlanError
from kdprobe.core.registry import find
from kdprobe.sweep import plans
from kdprobe.sweep.cells import Block
from kdprobe.sweep.plan import Plan
from kdprobe.sweep.plans import asked, kind, kinds


@dataclass(frozen=True, kw_only=True)
class Longer(Plan):
    """A plan as somebody would write it first, without any check of its own."""

    tasks: tuple[str, ...] = ("bikeshare",)
    seeds: int = 3
    teacher_steps: tuple[int, ...] = (10, 20)
    steps: int = 20

    asks: ClassVar[str] = "longer"
    question: ClassVar[str] = "longer?"
    heading: ClassVar[str] = "Longer?"
    small: ClassVar[Mapping[str, Any]] = {"seeds": 2}

    def crossed(self) -> tuple[Block, ...]:
        axes = {"teacher_steps": self.teacher_steps, "steps": self.steps}
        return tuple(
            Block(
                task=task, scheme="same_rows", distillers=("l2_imitation",), axes=axes, sizes=find("tasks", task).split, family="mlp",
                teacher_widths=(4,), student_widths=(2,), seeds=self.seeds,
            )
            for task in self.tasks
        )  # fmt: skip


def test_a_plan_without_checks_of_its_own_is_safe():
    assert len(Longer().cells()) == 2 * 3
    assert Longer(teacher_steps=[10, 20], seeds=3.0, tasks=["bikeshare"]) == Longer()
    assert Longer().quick().seeds == 2
    assert Longer(seeds=5).quick().seeds == 5


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seeds": 1}, "seeds=1: an interval over seeds needs at least 2"),
        ({"seeds": 2.5}, "seeds=2.5: give a whole number"),
        ({"steps": 0}, "steps=0: give at least 1"),
        ({"teacher_steps": (10, 10)}, "teacher_steps holds 10 twice"),
        ({"teacher_steps": 10}, r"teacher_steps=10: give a list, such as \(10,\)"),
        ({"tasks": "bikeshare"}, r"tasks='bikeshare': give a list"),
        ({"tasks": ()}, "tasks is empty: give at least one"),
        ({"tasks": ("bikeshare", "bikeshare")}, "tasks holds 'bikeshare' twice: give each once"),
        ({"tasks": ("bikesare",)}, "task 'bikesare' is unknown: did you mean 'bikeshare'"),
    ],
)
def test_what_no_plan_can_run_is_refused(changes, text):
    with pytest.raises(PlanError, match=text):
        Longer(**changes)


def test_a_field_that_would_hide_an_axis_is_refused():
    with pytest.raises(ContractError, match="Hides has a field named as the axis 'alpha', which would be lost: rename one"):

        class Hides(Axes, Plan):
            alpha: float = 0.5


def test_each_kind_of_plan_asks_what_its_file_is_called(tmp_path, monkeypatch):
    assert tuple(kinds()) == asked()
    assert all(found.asks == name for name, found in kinds().items())
    (tmp_path / "wider.py").write_text("from kdprobe.sweep.plans.gap import GapPlan\n")
    monkeypatch.setattr(plans, "__path__", [*plans.__path__, str(tmp_path)])
    assert "wider" in asked()
    with pytest.raises(ContractError, match=r"plans.wider has no plan with asks='wider': the file's name, asks and the flag are one word"):
        kind("wider")
