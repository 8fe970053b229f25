"""Schemes that cannot be run are refused where they are written."""

import pytest

from kdprobe.core.errors import ContractError
from kdprobe.core.scheme import Scheme, Stage

TEACHER, TWIN, STUDENT = Stage("teacher"), Stage("twin"), Stage("student", taught_by=("teacher",))


def scheme(*stages, **changes):
    return Scheme(**{"name": "s", "title": "t", "objective": "compression", "regime": "r", "expects": "e", "stages": stages} | changes)


@pytest.mark.parametrize(
    ("stages", "changes", "text"),
    [
        ((TEACHER, TWIN), {}, r"has stages \['teacher', 'twin'\]: a scheme has one student and one twin"),
        ((TWIN, STUDENT), {}, r"'student' is taught by 'teacher', which no stage trains"),
        ((TEACHER, TEACHER, TWIN, STUDENT), {}, r"has stages \['teacher', 'teacher', 'twin', 'student'\]: give each role once"),
        ((TEACHER, TWIN, Stage("student", matches="taught")), {}, r"'student' is taught by 'taught', which no stage trains"),
        (
            (TWIN, Stage("student", labels="true")),
            {},
            r"has stages \['twin', 'student'\]: students are read against a teacher, whoever taught",
        ),
        (
            (TEACHER, TWIN, STUDENT, Stage("a", taught_by=("b",), together=True), Stage("b", taught_by=("a",), together=True)),
            {},
            r"its student does not learn together with anybody",
        ),
        (
            (TEACHER, TWIN, Stage("student", taught_by=("teacher",), together=True), Stage("peer", taught_by=("student",), together=True)),
            {},
            r"'student' learns together with \('peer',\): each must be taught by all others, with the same rows, labels and steps",
        ),
        (
            (
                *(TEACHER, TWIN, Stage("student", taught_by=("peer",), together=True)),
                Stage("peer", taught_by=("student",), together=True, steps=2.0),
            ),
            {},
            r"'student' learns together|'peer' learns together",
        ),
    ],
)
def test_a_scheme_that_cannot_be_run(stages, changes, text):
    with pytest.raises(ContractError, match=text):
        scheme(*stages, **changes)


@pytest.mark.parametrize(
    ("role", "settings", "text"),
    [
        *(
            (
                "student",
                settings | {"taught_on": "transfer"},
                r"taught_on='transfer': that is for a stage that sees train rows and is taught",
            )
            for settings in (
                {},
                {"rows": "transfer", "taught_by": ("teacher",), "alpha": 1.0},
                {"rows": "transfer", "labels": "true", "taught_by": ("teacher",)},
                {"taught_by": ("peer",), "together": True},
            )
        ),
        (
            "student",
            {"rows": "transfer", "taught_by": ("teacher",)},
            r"stage 'student' sees transfer rows, which have no labels: give it alpha=1.0",
        ),
        ("student", {"rows": "transfer"}, r"stage 'student' has neither labels nor a teacher: it has nothing to learn from"),
        (
            "twin",
            {"taught_by": ("teacher",)},
            r"stage 'twin' is taught by \('teacher',\): what students are read against learns from labels",
        ),
        ("teacher", {"taught_by": ("x",)}, r"stage 'teacher' is taught by \('x',\): what students are read against learns from labels"),
        ("twin", {"steps": 2.0}, r"stage 'twin' has settings of its own: it differs from its student by having no teacher"),
        ("student", {"together": True}, r"stage 'student' learns together with nobody, or without labels"),
        ("student", {"taught_by": ("teacher",), "matches": "twin"}, r"stage 'student' is taught and matches 'twin': only an untaught run"),
        ("student", {"steps": -1.0}, r"stage 'student' has steps=-1.0: give a share of the plan's, from 0 to 100"),
        ("student", {"steps": float("nan")}, r"stage 'student' has steps=nan"),
    ],
)
def test_a_stage_that_cannot_be_run(role, settings, text):
    with pytest.raises(ContractError, match=text):
        Stage(role, **settings)


def test_what_a_stage_needs():
    live = Stage("student", taught_by=("peer",), together=True)
    assert (live.needs, live.labelled, live.width) == ((), True, "student")
    untaught = Stage("student", rows="transfer", labels="true", matches="taught")
    assert (untaught.needs, untaught.labelled) == (("taught",), True)
    assert Stage("assistant", size="between").width == "between"
    assert Stage("untrained").width == "teacher"
