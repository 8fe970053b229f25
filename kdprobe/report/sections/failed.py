"""What was not trained, or could not be answered."""

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence import Evidence
from kdprobe.report.transfers import title_of


def draw(evidence: Evidence) -> Content:
    """Draw a table of failed models and cells, and one of refused questions."""
    models = evidence.models()
    failed = models[models["status"] == "failed"]
    cells = evidence.provenance().get("failed_cells", [])
    rows = [
        {
            "what": f"{row.task}, {row.role} {row.family}-{row.width}, draw {row.draw}, seed {row.seed}",
            "scheme": row.scheme,
            "reason": row.reason,
        }
        for row in failed.itertuples()
    ]
    rows += [{"what": cell["title"], "scheme": "", "reason": cell["reason"]} for cell in cells]
    found = evidence.measurements()
    refused = found[found["status"] == "refused"]
    questions = [
        {"what": f"{task}: {title_of(str(probe))}", "count": len(group), "reason": group["reason"].iloc[0]}
        for (task, probe, _), group in refused.groupby(["task", "probe", "reason"], sort=False)  # pyright: ignore[reportGeneralTypeIssues]
    ]
    tables = []
    if rows:
        tables.append(Table(caption="Failed runs", columns=FAILED, rows=tuple(rows)))
    if questions:
        tables.append(Table(caption="Questions without an answer", columns=REFUSED, rows=tuple(questions)))
    sentence = (
        f"{words.capitalised(words.counted(len(failed), 'network'))} of {len(models):,} failed, "
        f"{words.counted(len(refused), 'measurement')} of {len(found):,} had no answer. Pairs that lack a run are left out of the "
        "intervals, and counted."
    )
    return Content(words=(sentence,), tables=tuple(tables))


FAILED = (
    Column(key="what", title="run"),
    Column(key="scheme", title="regime"),
    Column(key="reason", title="reason", shown="prose"),
)
REFUSED = (
    Column(key="what", title="question"),
    Column(key="count", title="times", shown="number"),
    Column(key="reason", title="reason", shown="prose"),
)

NOT_DONE = Section(name="failed", question="What failed, or had no answer?", draw=draw, part="every run", order=20)
