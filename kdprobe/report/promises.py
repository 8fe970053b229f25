"""What so many verdicts of so many seeds can promise: said before training, and on the page.

How often a verdict is found where it is true is measured by ``benchmarks/calibration.py``.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

from kdprobe.report import words
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT
from kdprobe.sweep.plan import Plan
from kdprobe.verdicts.family import fewest_units
from kdprobe.verdicts.gap import UNITS_FOR_A_VERDICT

RATES = "calibration.json"
"""Written by ``benchmarks/calibration.py``."""
VERDICT = {
    "gap": ("capacity gap", "a capacity gap"),
    "knowledge": ("this kind helps", "a kind of knowledge that helps"),
    "transfer": ("own knowledge arrived", "a part that is this teacher's own"),
}
"""What each question's claims are called in the table of rates, and in a sentence."""


@lru_cache(maxsize=1)
def rates() -> dict[str, Any]:
    """How often each verdict is wrong, and how often it is found, as measured."""
    return json.loads(files("kdprobe.report.sections").joinpath(RATES).read_text(encoding="utf-8"))


def found_among(found: dict[str, Any], claims: int) -> tuple[int, dict[str, float]]:
    """The measured number of claims that stands for a page, and the shares found there by seeds: the next larger one, or the largest.

    Examples
    --------
    >>> found_among({"1": {"20": 0.97}, "12": {"20": 0.7}}, 5)
    (12, {'20': 0.7})
    """
    measured = sorted(map(int, found))
    taken = next((number for number in measured if number >= claims), measured[-1])
    return taken, found[str(taken)]


def hopeless(claims: int, units: int, unit: str = "seed") -> str:
    """Why no claim of a capacity gap can be SUPPORTED, whatever is found, and what to do; "" where one can.

    Examples
    --------
    >>> hopeless(12, 8)
    ''
    >>> print(hopeless(13, 8))
    No capacity gap can be SUPPORTED: the smallest p that 8 seeds can give is 1/2^8, which Holm multiplies by the 13 verdicts of the page \
to 0.051, and below 0.05 is needed. Give 9 seeds or at most 12 settings and students.
    """
    if units > 30 or claims * 0.5**units < LEVEL:
        return ""
    needed, most = fewest_units(claims), int(LEVEL * 2**units - 1e-9)
    ways = [f"give {words.counted(needed, unit)}"] if needed else []
    ways += [f"at most {words.counted(most, 'setting')} and students"] if most else []
    least, verdicts = words.counted(units, unit), words.counted(claims, "verdict")
    return (
        f"No capacity gap can be SUPPORTED: the smallest p that {least} can give is 1/2^{units}, which Holm multiplies by the {verdicts} "
        f"of the page to {min(claims * 0.5**units, 1.0):.2g}, and below {LEVEL} is needed. {words.capitalised(' or '.join(ways))}."
    )


def promises(plan: Plan) -> Iterator[str]:
    """What a plan's page can conclude, in sentences; the first says where that is nothing.

    Parameters
    ----------
    plan
        Of a question that tells how many claims its page has.
    """
    claims, (units, unit) = plan.claims(), plan.units
    if not claims:
        return
    told = words.counted(claims, "verdict")
    least = SEEDS_FOR_A_VERDICT if unit == "seed" else UNITS_FOR_A_VERDICT
    if units < least:
        yield f"{words.counted(units, unit)}: too few for any verdict, directions only. Give {least} or more."
        return
    if plan.asks == "gap" and len(getattr(plan, "teacher_widths", (1, 2))) < 2:
        yield "One teacher size: whether a smaller one serves better cannot be asked. Give two or more for that."
        return
    if plan.asks == "gap" and (why := hopeless(claims, units, unit)):
        yield why
    name, what = VERDICT.get(plan.asks, ("", ""))
    entry = next((row for row in rates()["rows"] if row["verdict"] == f"{name}: SUPPORTED" and "found" in row), None)
    if entry is not None:
        among, shares = found_among(entry["found"], claims)
        each = [f"{words.counted(int(seeds), 'seed')} in {100 * share:.0f} %" for seeds, share in shares.items()]
        together = f"{told} {'is' if claims == 1 else 'are'} read together."
        yield (
            f"{together} {words.capitalised(what)} of 1 sd between seeds is found with {words.listed(each)} of pages "
            f"(measured among {among} {'claims' if among > 1 else 'claim'})."
        )
