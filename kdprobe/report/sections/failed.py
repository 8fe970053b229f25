"""What was not trained, or could not be answered."""

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.transfers import title_of

MOST_ROWS, MOST_TEXT = 50, 300


def draw(evidence: Evidence) -> Content:
    """Draw a table of failed models and cells, and one of refused questions."""
    models = evidence.models()
    failed = models[models["status"] == "failed"]
    cells = evidence.provenance().get("failed_cells", [])
    rows = [
        {"what": f"{row.task}, {row.role} {row.family}-{row.width}, draw {row.draw}, seed {row.seed}", "scheme": row.scheme}
        | {"reason": _cut(row.reason)}
        for row in failed.itertuples()
    ]
    rows += [{"what": cell["title"], "scheme": "", "reason": _cut(cell["reason"])} for cell in cells]
    found = evidence.measurements()
    refused = found[found["status"] == "refused"]
    # reasons that differ in their numbers only are one reason
    shape = refused["reason"].str.replace(_NUMBER, "#", regex=True)
    questions = [
        {"what": f"{task}: {title_of(str(probe))}", "count": len(group), "reason": _cut(group["reason"].iloc[0])}
        for (task, probe, _), group in refused.groupby([refused["task"], refused["probe"], shape], sort=False)  # pyright: ignore[reportGeneralTypeIssues]
    ]
    sentences = [
        f"{words.capitalised(words.counted(len(failed), 'network'))} of {len(models):,} failed, "
        f"{words.counted(len(refused), 'measurement')} of {len(found):,} had no answer. Pairs that lack a run are left out of the "
        "intervals, and counted."
    ]
    if max(len(rows), len(questions)) > MOST_ROWS:
        sentences.append(f"The tables show the first {MOST_ROWS}; all are in the table of runs beside this page.")
    tables = []
    if rows:
        tables.append(Table(caption="Failed runs", columns=FAILED, rows=tuple(rows[:MOST_ROWS])))
    if questions:
        tables.append(Table(caption="Questions without an answer", columns=REFUSED, rows=tuple(questions[:MOST_ROWS])))
    return Content(words=tuple(sentences), tables=tuple(tables))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"


_NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
FAILED = (
    Column(key="what", title="run"),
    Column(key="scheme", title="regime"),
    Column(key="reason", title="reason", shown="prose"),
)
REFUSED = (
    Column(key="what", title="question"),
    Column(key="count", title="times", shown="number"),
    Column(key="reason", title="reason, the first of its kind", shown="prose"),
)

NOT_DONE = Section(name="failed", question="What failed, or had no answer?", draw=draw, part="every run", order=20)
