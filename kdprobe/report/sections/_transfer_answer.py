"""Whether what reached a student is its own teacher's, in one sentence: the third question of a page on teacher sizes."""

from collections.abc import Sequence

from kdprobe.report import words
from kdprobe.report.evidence.transfers import Transfer
from kdprobe.report.sections._knowledge_answer import LIKENESS
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT
from kdprobe.verdicts.transfer import FAILED

UNASKED = "Not measured: it takes likeness to the teacher and to its siblings, as a sweep without --no-similarity has it."
NO_GAIN = "Likeness alone is no gain."
"""Where no gain is shown, and something of this teacher is."""


def own_answer(read: Sequence[Transfer], *, regime: str = "") -> str:
    """Say of a student in all its regimes whether what arrived is this teacher's own, no stronger than the verdicts.

    Parameters
    ----------
    read
        Its primary similarities; controls have no say.
    regime
        The arm that the page's answer names, where it says to teach in one: it is told first. "" where no gain is shown.

    Returns
    -------
    str
        "" where nothing was read.
    """
    judged = sorted((one for one in read if not one.control), key=lambda one: one.arm != regime)
    by_word: dict[str, list[Transfer]] = {}
    for one in judged:
        by_word.setdefault(_word(one), []).append(one)
    if not by_word:
        return ""
    if list(by_word) == [FEW]:
        return f"Too few seeds to say: give {SEEDS_FOR_A_VERDICT} or more."
    # one number is enough for a first screen: that of what is told first
    told = "; ".join(
        word.format(words.listed([_where(one, numbered=one is judged[0] and word in NUMBERED) for one in found]))
        for word, found in by_word.items()
    )
    shown = any(word in (YES, YES_BUT) for word in by_word)
    return f"{words.capitalised(told)}.{f' {NO_GAIN}' if shown and not regime else ''}"


YES = "yes, part of what arrived is its own, on {}"
YES_BUT = "yes, more than siblings would give, but in all not shown nearer to it than an untaught twin, on {}"
NO = "no, less than a fifth of what arrived is its own, on {}"
OPEN = "not shown on {}"
NOTHING = "nothing of it is shown to have arrived on {}"
UNKNOWN = "cannot be told, as an untaught twin shows the same, on {}"
FEW = "too few seeds to say on {}"
NUMBERED = (YES, YES_BUT, NO, OPEN)
"""What is said with the number behind it."""


def _word(one: Transfer) -> str:
    reading = one.reading
    if reading.specific is None or reading.n < SEEDS_FOR_A_VERDICT:
        return FEW
    if reading.qualifier == FAILED or reading.placebo_failed:
        return UNKNOWN
    if reading.verdict == "SUPPORTED":
        return YES if reading.moved_closer else YES_BUT
    return {"CONTRADICTED": NO, "NOT APPLICABLE": NOTHING}.get(reading.verdict, OPEN)


def _where(one: Transfer, *, numbered: bool) -> str:
    specific = one.reading.specific
    if not numbered or specific is None:
        return one.arm
    return f"{one.arm} ({LIKENESS.get(one.kind, 'likeness')} {words.result(specific)} above siblings)"
