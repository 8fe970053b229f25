"""The command that would change an answer: one for each answer, and one that the command line takes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from kdprobe import GapPlan
from kdprobe.core.result import Measurement
from kdprobe.core.section import Next
from kdprobe.report import answer_lines
from kdprobe.report.evidence.around import Control
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.sections import _gap_answer, _knowledge_answer
from kdprobe.report.sections._next import fewer_rows, following
from kdprobe.sweep.command import changed
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld
from tests.report.sections.test_knowledge_answer import group

LETTERS = (("letters", "classification"),)
EVIDENCE = Evidence(ZooWorld(arms=(TrueArm(),), tasks=LETTERS, student_widths=(8,)).zoo())
FOUND = gaps(EVIDENCE)[0]


class Knowledge(Evidence):
    """A world as if the sweep had asked of knowledge."""

    def provenance(self):
        return super().provenance() | {"command": "kdprobe sweep --knowledge --task letters --task bikeshare --out k"}


KNOWLEDGE = Knowledge(EVIDENCE.zoo)


def student(helps, gap="INCONCLUSIVE", *, beyond=0.05, needed=None, n=10, **changes):
    over = Measurement(value=beyond, low=beyond - 0.01, high=beyond + 0.01, unit="nats", n=10)
    return replace(
        FOUND,
        helps=replace(FOUND.helps, verdict=helps, needed=needed, n=n, **changes),
        reading=replace(FOUND.reading, verdict=gap),
        controls=(Control(title="a control", gain=over, beyond=over),),
    )


UNSURE = student("SUPPORTED", "INCONCLUSIVE")
UNSURE = replace(UNSURE, reading=replace(UNSURE.reading, needed=44))
GAPS = {
    "too few seeds": ([student("INCONCLUSIVE", n=4)], "10 seeds, enough for a verdict", "--seeds 10"),
    "not settled": ([student("INCONCLUSIVE", needed=31)], "31 seeds, which would settle it if mean and spread stay", "--seeds 31"),
    "a control": ([student("SUPPORTED", beyond=0.0)], "twice the seeds, if what it gives beyond the control then shows", "--seeds 20"),
    "no gain": ([student("CONTRADICTED")], "300 labels, of which a student learns less by itself", "--train-rows 300"),
    "hopeless": ([student("INCONCLUSIVE")], "300 labels, of which a student learns less by itself", "--train-rows 300"),
    "small": ([student("SUPPORTED", qualifier="too small to matter")], "300 labels", "--train-rows 300"),
    "a gap": (
        [student("SUPPORTED", "SUPPORTED")],
        "α and T chosen for each teacher size, if another then serves better",
        "--alpha 0.3,0.5,0.7 --temperature 1,2,4 --tune alpha,temperature",
    ),
    "no verdict on the gap": ([UNSURE], "44 seeds, which would settle what the largest costs if mean and spread stay", "--seeds 44"),
    "no gap": ([student("SUPPORTED", "CONTRADICTED")], "teachers beyond width 256", "--teacher-widths 8,16,32,64,128,256,512"),
}
KINDS = {
    "too few seeds": (group(response="helps", seeds=5), "10 seeds, enough for a verdict", "--seeds 10"),
    "helps": (group(response="helps"), "twins and controls that train twice as long: they may gain as much", "--steps 2000"),
    "hurts": (group(response="hurts"), "300 labels", "--train-rows 300"),
    "not settled": (group(response="open"), "seeds, which would settle it if mean and spread stay", "--seeds "),
}


@pytest.mark.parametrize("name", GAPS)
def test_each_answer_on_teacher_sizes_has_a_command_that_would_change_it(name, accepted):
    read, why, settings = GAPS[name]
    found = _gap_answer.next_of(EVIDENCE, read)
    assert why in found.why
    assert settings in found.command
    assert found.command.startswith("kdprobe sweep --gap ")
    assert all(flag in found.command for flag in ("--task letters", "--student-widths 8", "--out letters-mlp-8-"))
    accepted(found.command)


@pytest.mark.parametrize("name", KINDS)
def test_each_answer_on_knowledge_has_one(name, accepted):
    read, why, settings = KINDS[name]
    found = _knowledge_answer.next_of(KNOWLEDGE, [read])
    assert why in found.why
    assert settings in found.command
    # --task bikeshare of the sweep's own command is gone
    assert found.command.startswith("kdprobe sweep --knowledge --task letters ")
    assert found.command.count("--task") == 1
    accepted(found.command)


@pytest.fixture
def accepted(monkeypatch):
    """Whether the command line reads a command as a plan; what it would train is not trained."""
    import kdprobe.cli.sweep as command_line
    from kdprobe.cli import run

    seen = []
    monkeypatch.setattr(command_line, "_sweep", lambda plan, where, quick, more: seen.append((plan, where)) or 0)

    def check(command):
        assert run(command.split()[1:]) == 0
        ((plan, where),) = seen
        assert plan.tasks == ("letters",)
        assert plan.student_widths == (8,)
        assert where.out.name.startswith("letters-mlp-8-")

    return check


def test_nothing_read_has_no_command():
    assert _gap_answer.next_of(EVIDENCE, [replace(FOUND, control="a control")]) is None
    assert _gap_answer.next_of(EVIDENCE, [replace(FOUND, copied=(0, 1))]) is None
    assert _knowledge_answer.next_of(KNOWLEDGE, []) is None


def test_draws_are_asked_for_where_these_are_the_units():
    evidence = Evidence(ZooWorld(arms=(TrueArm(),), tasks=LETTERS, student_widths=(8,), draws=6, seeds=2).zoo())
    (gap,) = gaps(evidence)
    unsure = replace(gap, helps=replace(gap.helps, verdict="INCONCLUSIVE", needed=40, n=12))
    found = _gap_answer.next_of(evidence, [unsure])
    assert found.why == "40 draws, which would settle it if mean and spread stay"
    assert "--draws 40" in found.command


def test_the_cost_is_that_of_the_networks_at_the_pace_of_the_sweep():
    models = EVIDENCE.models()
    found = following(EVIDENCE, "letters", "mlp-8", "more", "seeds", {"seeds": "20"}, times=2)
    assert found.cost == f"about {2 * len(models)} networks, 10 min at this sweep's pace"  # 312.5 s, twice
    quick = following(EVIDENCE, "letters", "mlp-8", "more", "seeds", {"seeds": "1"}, times=0.1)
    assert quick.cost.endswith(" networks, 31 s at this sweep's pace")
    longer = following(EVIDENCE, "letters", "mlp-8", "more", "longer", {"steps": "2000"}, longer=2)
    assert longer.cost == f"about {len(models)} networks, 10 min at this sweep's pace"
    assert str(found).startswith("would change it: more (about ")
    assert str(Next(why="w", command="c")) == "would change it: w:\n    c"


def test_runs_that_are_missing_are_trained_by_the_same_command():
    lost = replace(student("INCONCLUSIVE", upper=np.inf), curve=replace(FOUND.curve, lacking={"mlp-16": 1}))
    failed = Evidence(ZooWorld(arms=(TrueArm(),), tasks=LETTERS, student_widths=(8,), failed=(("same_rows", 16, 8, 0),)).zoo())
    found = _gap_answer.next_of(failed, [lost])
    assert (found.why, found.cost) == ("the runs that are missing: what is there is kept", "about 1 network")
    assert found.command == failed.provenance()["command"]


def test_labels_are_halved_where_they_are_few_already():
    def rows(count):
        class With:
            def __getattr__(self, name):
                return getattr(EVIDENCE.zoo, name)

            def models(self):
                return EVIDENCE.zoo.models().assign(row_count=count)

        return fewer_rows(Evidence(With()), "letters")

    assert [rows(count) for count in (2000, 301, 300, 100, 99)] == [300, 300, 150, 50, None]


def made_by(command, **plan):
    class Made(Evidence):
        def provenance(self):
            return super().provenance() | {"command": command, "plan": plan}

    return following(Made(EVIDENCE.zoo), "letters", "mlp-8", "more", "seeds", {"seeds": "20"})


def test_a_sweep_that_was_started_from_python_has_the_command_that_repeats_it():
    plan = GapPlan(tasks=("letters", "bikeshare"), student_widths=(4, 8), teacher_widths=(16, 32), alpha=0.3, seeds=3)
    found = made_by("kdprobe.sweep(plan, out)", **json.loads(json.dumps(plan.settings_of())))
    assert found.command == (
        "kdprobe sweep --gap --teacher-widths 16,32 --student-widths 8 --seeds 20 --alpha 0.3 --task letters --out letters-mlp-8-seeds"
    )


def test_what_measured_gains_alone_goes_on_so():
    class Alone(Evidence):
        def measurements(self):
            found = super().measurements()
            return found[found["comparison"] == "panel"]

        def provenance(self):
            plan = GapPlan(tasks=("letters",), student_widths=(8,)).settings_of()
            return super().provenance() | {"command": "kdprobe.sweep(plan, out)", "plan": json.loads(json.dumps(plan))}

    found = following(Alone(EVIDENCE.zoo), "letters", "mlp-8", "more", "more-seeds", {"seeds": "20"})
    assert found.command == (
        "kdprobe sweep --gap --no-similarity --task letters --student-widths 8 --seeds 20 --out letters-mlp-8-more-seeds"
    )


def test_where_nobody_can_repeat_it_there_is_no_command():
    assert made_by("kdprobe.sweep(plan, out)", tasks=["no such task"]) is None
    assert made_by("kdprobe.sweep(plan, out)", no_such_field=1) is None
    assert made_by("kdprobe.sweep(plan, out)", own_data={"mine": "0" * 64}) is None
    assert changed("kdprobe sweep --gap 'unclosed", {}) is None
    assert changed("", {}) is None


def test_ones_own_data_and_names_with_spaces_stay_what_they_are():
    class Own(Evidence):
        def provenance(self):
            return super().provenance() | {"command": "kdprobe sweep --gap --data 'my rows.csv' --target price --out zoo"}

    found = following(Own(EVIDENCE.zoo), "price of my rows", "mlp-8", "more", "seeds", {"seeds": "20"})
    assert found.command == ("kdprobe sweep --gap --data 'my rows.csv' --target price --student-widths 8 --seeds 20 --out own-mlp-8-seeds")


def test_the_end_of_a_sweep_says_what_its_page_says_first():
    lines = answer_lines(EVIDENCE)
    assert len(lines) == 3
    assert lines[0].startswith("letters · student mlp-8 (0.4 k parameters): Teach this student with ")
    assert lines[1].startswith("  its teacher's own knowledge? ")
    assert lines[2].startswith("  would change it: ")
    assert lines[2].splitlines()[1].startswith("    kdprobe sweep --gap ")
