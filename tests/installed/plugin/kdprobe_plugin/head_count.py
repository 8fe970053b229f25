"""How many models of each role a zoo holds."""

from typing import Any

from kdprobe import Column, Content, Section, Table


def _draw(zoo: Any) -> Content | None:
    counts = zoo.models()["role"].value_counts().sort_index()
    columns = (Column(key="role", title="role"), Column(key="models", title="models", shown="number"))
    rows = tuple({"role": str(role), "models": int(count)} for role, count in counts.items())
    return Content(words=(f"The head count is {counts.sum()}.",), tables=(Table(columns=columns, rows=rows, caption="models by role"),))


HEAD_COUNT = Section(name="head_count", question="How many models of each role are there?", draw=_draw, part="every run")
