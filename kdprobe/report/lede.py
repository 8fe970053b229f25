"""What was trained and how, for the head of a page: a line or two, and the rest in a fold."""

from collections.abc import Iterator, Sequence

from kdprobe.core.axes import AXES
from kdprobe.core.recipe import Family
from kdprobe.core.registry import available
from kdprobe.report import words
from kdprobe.report.evidence.draws import one_draw
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.transfers import transfers
from kdprobe.report.evidence.twins import same_steps, tuned_apart

MOST_ARMS = 6
"""More are counted, not named."""


def lede(evidence: Evidence) -> str:
    """What was trained, in two short sentences; before them, where a placebo failed, that it did."""
    models, students = evidence.models(), evidence.students
    kinds = students.drop_duplicates("task")
    tasks = words.listed([f"{task} ({kind})" for task, kind in zip(kinds["task"], kinds["kind"], strict=True)])
    # tasks may have families, and so sizes, of their own
    counts = {column: int(students.groupby("task")[column].nunique().max()) for column in ("teacher", "student")}
    sizes = [words.counted(count, f"{column} size") for column, count in counts.items()]
    seeds = words.counted(students["seed"].nunique(), "paired seed")
    # in a world with a law each seed is a draw of its own
    draws = int(max(cell["draw"].nunique() for _, cell in students.groupby(["task", "seed"])))
    sizes += [f"{draws} draws of labelled rows × {seeds} each" if draws > 1 else seeds]
    done = int((models["status"] == "done").sum())
    if evidence.imported:
        what = f"{words.counted(len(models), 'model')} that were trained elsewhere"
        return f"{words.capitalised(tasks)}: {' × '.join(sizes)}. {what}, every student beside its own untaught twin."
    trained = words.counted(len(models), "network") + (" trained" if done == len(models) else f", of which {len(models) - done:,} failed")
    return f"{_placebo(evidence)}{words.capitalised(tasks)}: {' × '.join(sizes)}. {trained}, every student beside its own untaught twin."


def _placebo(evidence: Evidence) -> str:
    failed = [one for one in transfers(evidence) if one.primary and one.reading.placebo_failed]
    if not failed:
        return ""
    where = words.listed(list(dict.fromkeys(f"{one.task}, student {one.student}, {one.arm}" for one in failed)))
    return f"The placebo failed: untaught twins look taught by the teacher of their seed, so no own part of a teacher is told of {where}. "


def details(evidence: Evidence) -> Sequence[str]:
    """How it was trained and read, in paragraphs."""
    students = evidence.students
    attached = students["scheme"].isin(evidence.attached)
    judged = students[(students["axis"] == "") & ~attached]
    arms = list(dict.fromkeys(judged["arm"]))
    what = words.listed(arms)
    if len(arms) > MOST_ARMS:
        counts = [words.counted(judged[name].nunique(), noun) for name, noun in (("scheme", "regime"), ("distiller", "distiller"))]
        what = f"{' × '.join(counts)}, {words.counted(len(arms), 'setting')} in all"
    changes = dict.fromkeys(zip(*(students.loc[students["axis"] != "", name] for name in ("axis", "value")), strict=True))
    beside = [AXES[axis].told(value) for axis, value in changes]
    beside += [words.counted(students.loc[attached, "scheme"].nunique(), "control")] if attached.any() else []
    what += f"; beside them {words.listed(beside)}" if beside else ""
    if evidence.tune:
        what += f"; and {len(evidence.tuning()):,} networks on seeds of their own to choose settings by"
    alike = filter(None, ("the same start", same_steps(evidence), "no teacher"))
    twins = f"Every student is compared with its own twin: {', '.join(alike)}{tuned_apart(evidence)}."
    if evidence.imported:
        twins = "Every student is compared with its own twin; that the two differ by the teacher alone is the word of whoever trained them."
    read = f"{twins} Intervals are 95 %, over {evidence.units}."
    return tuple(filter(None, (f"Trained: {what}.", *_teachers_apart(evidence), read, "" if evidence.imported else one_draw(evidence))))


def _teachers_apart(evidence: Evidence) -> Iterator[str]:
    """What teachers of another family than their students' are, and what a width and a parameter are of them."""
    models = evidence.models()
    taught = {"student", "twin"}
    for name in dict.fromkeys(models.loc[~models["role"].isin(taught), "family"]):
        family: Family | None = available("families").get(name)
        if family is not None and family.counted:
            yield (
                f"Teachers of the family {name} are {family.title}: a width counts one {family.knob}; of a size, {family.counted}. They "
                "have no hidden layers, so what reads these is refused; seeds differ in the rows and columns that chance picks."
            )
