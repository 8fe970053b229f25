"""What theory had predicted of each regression curve before the sweep, and what was found."""

from collections.abc import Iterator

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import Gap, gaps
from kdprobe.report.evidence.groups import short_names


def draw(evidence: Evidence) -> Content | None:
    """Draw predictions beside what was found, and in words where there are none; nothing where theory was not asked."""
    found = [gap for gap in gaps(evidence) if gap.predicted is not None]
    if not found:
        return None
    rows = [row for gap in found for row in _rows(gap)]
    silent = [row for gap in found for row in _silent(gap)]
    tables = [Table(caption="Predicted before the sweep, and found", columns=COLUMNS, rows=tuple(rows))] if rows else []
    tables += [Table(caption="Where theory has no word", columns=SILENT, rows=tuple(silent))] if silent else []
    return Content(words=tuple(_words(found, rows)), tables=tuple(tables))


def _words(found: list[Gap], rows: list[dict[str, object]]) -> Iterator[str]:
    read_as = list(dict.fromkeys(gap.predicted.read_as for gap in found if gap.predicted is not None and gap.predicted.drawn))
    if not rows:
        yield "Not applicable: theory predicts none of these curves; the table says why."
        return
    yield (
        "The nested least-squares law was asked before the first model was trained, on the rows that models learn from alone, and its "
        f"answer was sealed with the plan. It reads networks as {words.listed(read_as)}; where hidden layers learn, that is no more than "
        "a first guess. On the teacher's own rows least squares gains exactly nothing from a teacher that sees all that the student sees."
    )
    if any(gap.predicted is not None and gap.predicted.rebuilt for gap in found):
        yield REBUILT
    judged = [row["agrees"] for row in rows if row["agrees"]]
    if judged:
        within = sum(one == "yes" for one in judged)
        yield f"Prediction and what was found agree, both intervals considered, under {within} of {words.counted(len(judged), 'teacher')}."


def _silent(gap: Gap) -> Iterator[dict[str, object]]:
    """Why there is no prediction: of all teachers of a student in one line, or of those that have none."""
    predicted, student = gap.predicted, f"{gap.task} · {gap.student}"
    if predicted is None:
        return
    if predicted.reason:
        yield {"student": student, "arm": gap.arm, "teacher": "all", "reason": predicted.reason}
        return
    noun, names = short_names(gap.curve.teachers)
    for reason in dict.fromkeys(filter(None, predicted.reasons)):
        without = [name for name, why in zip(names, predicted.reasons, strict=True) if why == reason]
        yield {"student": student, "arm": gap.arm, "teacher": f"{noun} {words.listed(without)}", "reason": reason}


def _rows(gap: Gap) -> Iterator[dict[str, object]]:
    predicted = gap.predicted
    if predicted is None or predicted.reason:
        return
    noun, names = short_names(gap.curve.teachers)
    for i, (name, told) in enumerate(zip(names, predicted.gains, strict=True)):
        one = gap.gains[i] if gap.gains else None
        agrees = ""
        if one is not None and one.low is not None and one.high is not None and told is not None:
            agrees = "yes" if one.low <= told[2] and told[1] <= one.high else "no"
        yield {
            "student": f"{gap.task} · {gap.student}", "arm": gap.arm, "teacher": f"{noun} {name}", "predicted": told,
            "found": None if one is None else (one.value, one.low, one.high), "agrees": agrees, "unit": gap.unit,
        }  # fmt: skip


REBUILT = (
    "This zoo's index was read back from its files, and the predictions with it: nothing vouches any more that they stood before the first "
    "model. To have them vouched for, run the same sweep into a new folder."
)
COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="teacher", title="teacher"),
    Column(key="predicted", title="predicted gain", shown="interval", explains="95 %, for all teachers of a student at once; empty: none"),
    Column(key="found", title="found", shown="interval", explains="95 %, simultaneous over the teacher sizes"),
    Column(key="agrees", title="intervals meet"),
    Column(key="unit", title="unit"),
)
SILENT = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="teacher", title="teacher"),
    Column(key="reason", title="not applicable, because", shown="prose"),
)

PREDICTED = Section(name="predicted", question="What had theory predicted?", plans=("gap",), draw=draw, order=15)
