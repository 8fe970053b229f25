"""Where these numbers come from."""

from collections.abc import Iterator, Mapping
from typing import Any

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence


def draw(evidence: Evidence) -> Content:
    """Draw the command, the sealed plan and what it ran on."""
    found = evidence.provenance()
    deviations = found.get("deviations") or []
    sentences = [IMPORTED] if evidence.imported else [
        "The plan was sealed by its hash before the first result. " + (
            f"{words.capitalised(words.counted(len(deviations), 'deviation'))} since: {'; '.join(_flat(d) for d in deviations)}."
            if deviations else "Nothing deviated from it."
        )
    ]  # fmt: skip
    facts = {
        "command": found.get("command"), "plan hash": found.get("plan_hash"), "commit": found.get("commit"),
        "versions": _flat(found.get("versions", {})), "hardware": found.get("hardware"),
        "wall time": words.counted(round(float(found["seconds"])), "second") if found.get("seconds") is not None else None,
        "runs of the command": found.get("runs"),
    }  # fmt: skip
    rows = [{"what": name, "value": str(value)} for name, value in facts.items() if value not in (None, "")]
    plan = [{"what": name, "value": value} for name, value in _leaves(found.get("plan", {}))]
    tables = [Table(caption="Run", columns=COLUMNS, rows=tuple(rows))]
    if plan:
        tables.append(Table(caption="Plan", columns=COLUMNS, rows=tuple(plan)))
    return Content(words=tuple(sentences), tables=tuple(tables))


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_flat(item) for item in value)
    return str(value)


def _leaves(plan: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in plan.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}".replace("_", " "), _flat(value)


IMPORTED = (
    "The models were trained elsewhere. No plan was sealed before their results, and how they were trained, and on which rows, is the word "
    "of whoever brought them; what each said of the rows is kept, and was measured here."
)
COLUMNS = (Column(key="what", title="what"), Column(key="value", title="value", shown="prose"))

PROVENANCE = Section(name="provenance", question="Where do these numbers come from?", draw=draw, part="provenance")
