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
    """One sentence, no stronger than the verdicts that it follows from: quality first, then amount, then what the controls say of it."""
    full, worth, reading = found.fullest, found.worth, found.arrived
    if full is None or worth is None or worth.gain is None or reading is None:
        return "Nothing can be said of this student yet: see the sentences below."
    if worth.n < SEEDS_FOR_A_VERDICT:
        return f"Too few seeds to say how much was transferred: give {SEEDS_FOR_A_VERDICT} or more."
    joint = "and" if (worth.verdict == "SUPPORTED") == (reading.verdict == "SUPPORTED") else "but"
    return f"{_quality(found, full.name)}, {joint} {_amount(found, reading)}{_caveat(found, reading)}."


def _quality(found: Doses, dose: str) -> str:
    worth = found.worth
    assert worth is not None, "asked before"
    gain = worth.gain
    assert gain is not None, "asked before"
    if worth.verdict == "SUPPORTED":
        little = f", {worth.qualifier}" if TOO_SMALL in worth.qualifier else ""
        return f"Taught on {dose} this student gained {words.result(gain)} over its untaught twin{little}"
    if worth.harmful:
        return f"Taught on {dose} this student became worse than its untaught twin ({words.result(gain)})"
    if worth.verdict == "CONTRADICTED":
        return f"Taught on {dose} this student gained less over its untaught twin than is negligible"
    return f"Whether teaching on {dose} helps this student is not settled ({words.result(gain)} over its untaught twin)"


def _amount(found: Doses, reading: TransferReading) -> str:
    if reading.verdict == "SUPPORTED" and reading.specific is not None:
        small = ", a small part of its movement" if reading.negligible else ""
        return f"its {LIKENESS[found.kind]} shows this very teacher in it ({words.result(reading.specific)} beyond sibling teachers{small})"
    if reading.verdict == "CONTRADICTED":
        return "what it took over is what any teacher of this recipe gives: next to nothing is this teacher's own"
    if reading.placebo_failed:
        return "whether anything is this teacher's own cannot be said: the placebo failed"
    if reading.verdict == "NOT APPLICABLE":
        return "it is not shown to be nearer to its teacher than untaught twins are"
    return "whether anything of it is this teacher's own is not settled"


def _caveat(found: Doses, reading: TransferReading) -> str:
    controls = found.controls
    if reading.verdict != "SUPPORTED" or controls is None:
        return ""
    if controls.verdict == "CONTRADICTED":
        return "; a control that was taught nothing of it shows as much, so do not call it transferred"
    if controls.verdict == "SUPPORTED":
        return "; every control stays at nothing"
    kept, most = len(controls.shares) - len(controls.named), len(controls.shares)
    return f"; that controls stay at nothing is shown of {kept} of {most}" if controls.named else ""


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
