"""What the verdicts on doses come to, in one sentence a student: did teaching help, and was it this teacher's own knowledge?"""

from kdprobe.core.section import Next
from kdprobe.report import words
from kdprobe.report.evidence.doses import Doses
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.sections._knowledge_answer import LIKENESS
from kdprobe.report.sections._next import following
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT
from kdprobe.verdicts.family import TOO_SMALL
from kdprobe.verdicts.transfer import TransferReading

SEEDS = 10
"""Seeds to ask for where there are too few: what the plan has by itself."""


def answer(found: Doses) -> str:
    """Whether teaching helped, in one sentence that is no stronger than its verdict."""
    if (few := _unread(found)) is not None:
        return few
    assert found.fullest is not None, "asked before"
    return f"{_quality(found, found.fullest.name)}."


def own_answer(found: Doses) -> str:
    """Whether it was this teacher's own knowledge, and what the controls say of that; "" where `answer` says that nothing can be said."""
    if _unread(found) is not None or found.arrived is None:
        return ""
    return f"{_amount(found, found.arrived)}{_caveat(found, found.arrived)}."


def _unread(found: Doses) -> str | None:
    worth = found.worth
    if found.fullest is None or worth is None or worth.gain is None or found.arrived is None:
        return "Nothing can be said of this student yet: see the sentences below."
    if worth.n < SEEDS_FOR_A_VERDICT:
        return f"Too few seeds to say how much was transferred: give {SEEDS_FOR_A_VERDICT} or more."
    return None


def _quality(found: Doses, dose: str) -> str:
    worth = found.worth
    assert worth is not None, "asked before"
    gain = worth.gain
    assert gain is not None, "asked before"
    if worth.verdict == "SUPPORTED":
        little = f", {worth.qualifier}" if TOO_SMALL in worth.qualifier else ""
        return f"Teaching on {dose} helped this student: it gained {words.result(gain)} over its untaught twin{little}"
    if worth.harmful:
        return f"Teaching on {dose} hurt this student: it became worse than its untaught twin ({words.result(gain)})"
    if worth.verdict == "CONTRADICTED":
        return f"Teaching on {dose} did not help this student: what it gained over its untaught twin is negligible"
    return f"Whether teaching on {dose} helps this student is not settled: its gain over its untaught twin is {words.result(gain)}"


def _amount(found: Doses, reading: TransferReading) -> str:
    if reading.verdict == "SUPPORTED" and reading.specific is not None:
        small = ", a small part of its movement" if reading.negligible else ""
        return f"Yes, part of what arrived is its own ({LIKENESS[found.kind]} {words.result(reading.specific)} above siblings{small})"
    if reading.verdict == "CONTRADICTED":
        return "No: any teacher of this recipe would have given what it took over"
    if reading.placebo_failed:
        return "It cannot be told, as untaught twins show the same"
    if reading.verdict == "NOT APPLICABLE":
        return "Nothing of it is shown to have arrived: untaught twins are as near to the teacher"
    return "Not settled"


def _caveat(found: Doses, reading: TransferReading) -> str:
    controls = found.controls
    if reading.verdict != "SUPPORTED" or controls is None:
        return ""
    if controls.verdict == "CONTRADICTED":
        return "; but a control that was taught nothing of it shows as much, so do not call it transferred"
    if controls.verdict == "SUPPORTED":
        return "; every control stays at nothing"
    kept, most = len(controls.shares) - len(controls.named), len(controls.shares)
    if not controls.named:
        return ""
    if not kept:
        return f"; whether {'its control stays' if most == 1 else f'its {most} controls stay'} at nothing is not settled"
    return f"; of {most} controls {kept} {'are' if kept > 1 else 'is'} shown to stay at nothing, the others are not settled"


def next_of(evidence: Evidence, found: Doses) -> Next | None:
    """The command that would change `answer`."""
    worth, reading = found.worth, found.arrived
    if worth is None or worth.gain is None or reading is None:
        return None
    asked = found.seeds + found.left_out

    def seeds(count: int, why: str) -> Next | None:
        return following(evidence, found.task, found.student, why, "seeds", {"seeds": f"{count}"}, times=count / asked)

    if worth.n < SEEDS_FOR_A_VERDICT:
        return seeds(SEEDS, f"{SEEDS} seeds, enough for a verdict")
    sound = found.controls is None or found.controls.verdict == "SUPPORTED"
    if reading.verdict == worth.verdict == "SUPPORTED" and sound:
        why = "a narrower student, which takes over less of what is one teacher's own"
        width = found.student.rpartition("-")[2]
        if width.isdigit() and int(width) >= 4:
            return following(evidence, found.task, found.student, why, "narrow", {"student-widths": f"{int(width) // 4}"})
    if worth.verdict == "INCONCLUSIVE" and worth.needed is not None:
        count = max(worth.needed, asked + 1)
        return seeds(count, f"{count} seeds, which would settle the gain if mean and spread stay")
    return seeds(2 * asked, "twice the seeds, which see smaller effects")
