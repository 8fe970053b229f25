"""Under which teachers the teacher-specific part is shown: a mean over their sizes may be carried by one of them."""

from collections.abc import Iterable

from kdprobe.core.result import Measurement
from kdprobe.core.section import Column, Table
from kdprobe.report import words
from kdprobe.report.evidence.transfers import Transfer


def under(transfer: Transfer) -> str:
    """Say under which teacher sizes the own part is shown by itself, and under which it is not."""
    (noun, names), shown = transfer.names, transfer.reading.shown
    rest = [i for i in range(len(names)) if i not in shown]
    if not shown:
        return f"as a mean, under no single {noun}"
    if not rest:
        return f"under {noun}s {words.span(names, shown)}"
    where = f"under {noun} {names[shown[0]]} only" if len(shown) == 1 else f"under {noun}s {words.span(names, shown)}"
    return f"{where}, not shown under {words.span(names, rest)}"


def by_size(found: list[Transfer]) -> Iterable[Table]:
    """One row a student and arm whose verdict stands on several teachers, one column a teacher."""
    several = [transfer for transfer in found if transfer.primary and not transfer.control and transfer.reading.sizes]
    sizes = {transfer.curve.teachers[i]: transfer.curve.sizes[i] for transfer in several for i in transfer.read}
    rows = tuple(
        {
            **{"student": f"{transfer.task} · {transfer.student}", "arm": transfer.arm},
            "shown": under(transfer) if transfer.reading.verdict == "SUPPORTED" else "the mean is not shown",
            **{transfer.curve.teachers[i]: triple(size.specific) for i, size in zip(transfer.read, transfer.reading.sizes, strict=True)},
        }
        for transfer in several
    )
    if rows:
        teachers = (Column(key=name, title=name, shown="interval") for name in sorted(sizes, key=lambda name: (sizes[name], name)))
        yield Table(caption="Teacher-specific part under each teacher", columns=(*COLUMNS, *teachers), rows=rows)


def triple(found: Measurement | None) -> tuple[float, float, float] | None:
    """Value and interval as a table has them."""
    return None if found is None else (found.value, found.low, found.high)


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="shown", title="shown", explains="where its mean is SUPPORTED: each teacher, Holm-adjusted over those of the row"),
)
