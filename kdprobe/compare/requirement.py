"""A requirement of a comparison, such as ``gain>0``: shown by an interval, or not."""

import re
from dataclasses import dataclass

from kdprobe.compare.comparison import Comparison
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.result import Refusal
from kdprobe.core.words import interval

_FORM = re.compile(r"\s*([A-Za-z_]\w*)(?::([^<>=]+?))?\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """What a probe's interval must show.

    Parameters
    ----------
    text
        As it was written.
    probe, comparison
        Whose result; "" for the comparison takes "panel" where the probe has it, else "own".
    sign, bound
        ">", ">=", "<" or "<=", and the number.
    """

    text: str
    probe: str
    comparison: str
    sign: str
    bound: float


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A requirement, whether it is shown, and the line that says so."""

    requirement: Requirement
    shown: bool
    line: str


def requirement(text: str) -> Requirement:
    """Read a requirement.

    Raises
    ------
    PlanError
        If it is none.

    Examples
    --------
    >>> found = requirement("cka_output:difference >= .1")
    >>> found.probe, found.comparison, found.sign, found.bound
    ('cka_output', 'difference', '>=', 0.1)
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise PlanError(
            f"require={text!r} is no requirement: write a probe, one of > >= < <= and a number, such as 'gain>0' or "
            "'cka_output:difference>=0.1'"
        )
    probe, comparison, sign, bound = found.groups()
    return Requirement(text=text, probe=probe, comparison=(comparison or "").strip(), sign=sign, bound=float(bound))


def check(wanted: Requirement, found: Comparison) -> Checked:
    """Hold a requirement against a comparison: it is shown where the whole 95 % interval lies on its side of the number.

    Raises
    ------
    PlanError
        If the comparison has no such result.
    """
    name, comparisons = wanted.probe, found.results.get(wanted.probe)
    if comparisons is None:
        raise PlanError(f"require={wanted.text!r}: {name!r} was not measured: {did_you_mean(name, found.results)}")
    which = wanted.comparison or ("panel" if "panel" in comparisons else "own")
    if which not in comparisons:
        missing = "" if found.twins else "; a panel, a baseline and a difference need --twin"
        missing += "" if found.siblings or found.seeds else "; a contrast and what is specific need --sibling"
        raise PlanError(f"require={wanted.text!r}: {name} has no comparison {which!r}: {did_you_mean(which, comparisons)}{missing}")
    result = comparisons[which]
    said = f"{name}:{which}" if wanted.comparison else name
    if isinstance(result, Refusal):
        return Checked(requirement=wanted, shown=False, line=f"not shown: {wanted.text}: {said} is {result}")
    ends = interval(result.value, result.low, result.high, result.unit)
    if result.status == "invalid":
        return Checked(requirement=wanted, shown=False, line=f"not shown: {wanted.text}: {said} is {ends}, which is invalid")
    shown = {
        ">": result.low > wanted.bound,
        ">=": result.low >= wanted.bound,
        "<": result.high < wanted.bound,
        "<=": result.high <= wanted.bound,
    }[wanted.sign]
    return Checked(requirement=wanted, shown=shown, line=f"{'shown' if shown else 'not shown'}: {wanted.text}: {said} is {ends}")
