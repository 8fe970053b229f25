"""What a student and its twin have in common beside their start, in words: a plan may stop each early, tune them, or take no steps."""

from kdprobe.core.axes import AXES
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence


def same_steps(evidence: Evidence) -> str:
    """In which sense a student has the number of steps of its twin; "" where there are no steps, in families fitted in closed form."""
    models, students = evidence.models(), evidence.students
    steps = models.set_index("model_id")["steps"]
    if not steps.any():
        return ""
    longer = students["scheme"][students["model_id"].map(steps).to_numpy() != students["twin_id"].map(steps).to_numpy()].unique()
    but = f" (but for {words.listed([name.replace('_', ' ') for name in longer])})" if len(longer) else ""
    early = " at most, as each stops by its own validation loss" if (students["patience"] > 0).any() else ""
    return f"the same number of steps{but}{early}"


def tuned_apart(evidence: Evidence) -> str:
    """What of its own a twin has where settings are tuned: what is set for all models is chosen for twins by themselves."""
    own = [words.setting(axis.column) for axis in AXES.values() if axis.of == "all" and axis.column in evidence.tune]
    return f"; where it is tuned, a twin has the {words.listed(own)} that is best for twins" if own else ""
