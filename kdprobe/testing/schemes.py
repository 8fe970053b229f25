"""The contract of a scheme."""

from dataclasses import fields

from kdprobe.core.errors import did_you_mean
from kdprobe.core.registry import available
from kdprobe.core.scheme import Scheme
from kdprobe.testing.requirement import require


def check_scheme(scheme: Scheme) -> None:
    """Raise ContractError unless a scheme can be run and read: what its own constructor cannot see is checked here.

    Checked are: the stages come in an order in which they can be run, each of use to another or to the reader; the student differs from
    its twin; its controls are schemes in which the teacher teaches nobody; it says in words what regime it is and what to expect.

    Examples
    --------
    >>> from kdprobe.core.registry import available
    >>> check_scheme(available("schemes")["transfer_rows"])
    """
    done: set[str] = set()
    for stage in scheme.stages:
        missing = [role for role in stage.needs if role not in done]
        require(scheme, not missing, f"stage {stage.role!r} comes before {missing}, which it needs")
        done.add(stage.role)
    used = {"student", "twin", "teacher", *(role for stage in scheme.stages for role in (*stage.taught_by, *stage.needs))}
    require(scheme, done <= used, f"nobody learns from {sorted(done - used)}: leave it out")
    student, twin = scheme.student, scheme.stage("twin")
    differs = any(getattr(student, option.name) != getattr(twin, option.name) for option in fields(student) if option.name != "role")
    require(scheme, differs, "its student is taught by nobody: it would be a twin")
    known = available("schemes")
    for name in scheme.controls:
        require(scheme, name in known, f"controls holds {name!r}, which is no scheme: {did_you_mean(name, known)}")
        require(scheme, not known[name].judged, f"controls holds {name!r}, whose student the teacher teaches: it is no control")
    for field in ("beats", "below"):
        for name in getattr(scheme, field):
            require(scheme, name in known, f"{field} holds {name!r}, which is no scheme: {did_you_mean(name, known)}")
            same = known[name].stage("twin") == scheme.stage("twin")
            require(scheme, same, f"{field} holds {name!r}, whose twin learns otherwise: gains over two kinds of twin are not compared")
    for field in ("title", "regime", "expects"):
        require(scheme, bool(getattr(scheme, field).strip()), f"{field} is empty: say it in words")
