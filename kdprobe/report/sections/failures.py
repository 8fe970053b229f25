"""Do students show the failure signatures that the survey names?"""

from typing import Any

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.arms import Frame
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.groups import short_names
from kdprobe.report.evidence.signatures import SIGNATURES, signatures
from kdprobe.report.evidence.twins import same_steps


def draw(evidence: Evidence) -> Content:
    """Draw one sentence a signature, and a table of the flagged cells."""
    found = signatures(evidence)
    alike = [part for part in ("the same start", same_steps(evidence)) if part]
    sentences = [
        "The survey (arXiv:2308.04268) names three signs of failed distillation. Each is read here against the paired twin, which had "
        f"{words.listed(alike)}, so that no threshold has to be made up. Cells are screened with a false discovery rate of .1 for each "
        f"sign (Benjamini-Hochberg on paired t over {evidence.units}): of the flags, one in ten may be chance."
    ]
    for signature in SIGNATURES:
        cells = found[found["signature"] == signature.name]
        flagged = int(cells["flagged"].sum())
        where = f": {_where(cells[cells['flagged']])}" if flagged else ""
        sentences.append(
            f"{words.capitalised(signature.title)}: {flagged} of {words.counted(len(cells), 'cell')} flagged{where}. "
            + (f"May come from {signature.may_come_from}." if flagged else "")
        )
    rows = tuple(_row(cells) for _, cells in found[found["flagged"]].groupby(["signature", "task", "student", "arm"], sort=False))
    tables = (Table(caption="Flagged students", columns=COLUMNS, rows=rows),) if rows else ()
    return Content(words=tuple(sentences), tables=tables)


def _row(cells: Frame) -> dict[str, Any]:
    """One student in one arm, with the teachers under which it shows one sign."""
    first = cells.iloc[0]
    noun, names = short_names(cells["teacher"])
    return {
        **{"student": f"{first['task']} · {first['student']}", "arm": first["arm"], "unit": first["unit"]},
        "signature": next(signature.title for signature in SIGNATURES if signature.name == first["signature"]),
        "teachers": f"{noun} {words.listed(names)}",
        "worst": max(cells["found"]),
    }


def _where(flagged: Frame) -> str:
    counts = flagged.groupby(["task", "arm"], sort=False).size()
    return words.listed([f"{count} in {task}, {arm}" for (task, arm), count in counts.items()])  # pyright: ignore[reportGeneralTypeIssues]


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="signature", title="sign", shown="flag"),
    Column(key="teachers", title="under teachers"),
    Column(
        key="worst",
        title="worst of them",
        shown="interval",
        explains="; ".join(f"{signature.title}: {signature.means}" for signature in SIGNATURES),
    ),
    Column(key="unit", title="unit"),
)

FAILURES = Section(name="failures", question="Do students show the known signs of failed distillation?", draw=draw, order=30)
