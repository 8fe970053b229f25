"""Is anything found where nothing can be? The placebo of every likeness: untaught twins toward the teacher of their seed."""

import numpy as np

from kdprobe.core.section import Column, Content, Figure, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.transfers import Transfer, title_of, transfers
from kdprobe.report.theme.plots import Panel, Series, panels
from kdprobe.stats.paired import contrast
from kdprobe.verdicts.transfer import untaught_alone

PLACES = 20
"""Quantiles that are drawn."""
SMALL = 0.05


def draw(evidence: Evidence) -> Content | None:
    """Draw the p values of all placebos against those of pure chance, and a table by likeness; nothing where none was measured."""
    found = placebos(transfers(evidence))
    p = np.concatenate(list(found.values())) if found else np.empty(0)
    if len(p) < 2:
        return None
    small = int((p < SMALL).sum())
    said = (
        f"Of {len(p):,} contrasts of untaught twins, {small} ({100 * small / len(p):.0f} %) have p < {SMALL:g}, and chance alone gives "
        f"{SMALL:.0%}: each is a likeness of a twin to the teacher of its seed, minus that to the teacher's siblings. Nobody taught these "
        "twins, so their p values lie along the line of chance, unless models of one seed share more than teaching. Contrasts of the same "
        "networks go together, and so a line may lie off as a whole by chance. Verdicts rest on a test of each student's placebo, adjusted "
        "over the page; where one fails, the first sentence of the page says so."
    )
    return Content(words=(said,), figures=(_figure(p),), tables=(_table(found),))


def placebos(found: list[Transfer]) -> dict[str, np.ndarray]:
    """By likeness, the unadjusted two-sided p of each twin's contrast under each teacher; a twin of several arms counts once."""
    by_probe: dict[str, dict[tuple[str, str, float, bytes], float]] = {}
    for one in found:
        values = one.curve.values
        if "placebo" not in values or len(values["placebo"]) < 3:
            continue
        p = np.atleast_1d(contrast(untaught_alone(values["placebo"], values["centre"], clustered=one.curve.clustered).T).p)
        for size, own, value in zip(one.curve.sizes.tolist(), values["placebo"].T, p.tolist(), strict=True):
            by_probe.setdefault(one.probe, {}).setdefault((one.task, one.student, size, np.round(own, 9).tobytes()), value)
    return {probe: np.array(list(own.values())) for probe, own in by_probe.items()}


def _figure(p: np.ndarray) -> Figure:
    expected = (np.arange(PLACES) + 0.5) / PLACES
    none = np.full(PLACES, np.nan)
    series = (
        Series(label="twins", role="one", mean=np.quantile(p, expected), low=none, high=none),
        Series(label="chance", role="two", mean=expected, low=none, high=none),
    )
    svg = panels(
        [Panel(title="p of the placebo, quantiles", series=series)], x=expected, ticks=[f"{place:.3g}" for place in expected],
        x_label="share of the contrasts", prefix="placebo", title="p values of untaught twins against those of chance",
        description=f"{len(p)} contrasts; {int((p < SMALL).sum())} have p < {SMALL:g}, by chance {SMALL * len(p):.1f}.", height=200,
    )  # fmt: skip
    return Figure(svg=svg, caption="On the line of chance: nothing is found where nothing can be. Below it: the measure sees teachers")


def _table(found: dict[str, np.ndarray]) -> Table:
    rows = tuple(
        {"probe": title_of(probe), "count": len(p), "small": int((p < SMALL).sum()), "least": words.p_value(float(p.min()))}
        for probe, p in found.items()
    )
    return Table(caption="Placebos by likeness", columns=COLUMNS, rows=rows)


COLUMNS = (
    Column(key="probe", title="likeness"),
    Column(key="count", title="contrasts", shown="number", explains="twins × teacher sizes"),
    Column(key="small", title=f"p < {SMALL:g}", shown="number", explains="unadjusted; of pure chance one in twenty"),
    Column(key="least", title="least p", explains="unadjusted"),
)

PLACEBO = Section(name="placebo", question="Is anything found where nothing was taught?", draw=draw, order=45)
