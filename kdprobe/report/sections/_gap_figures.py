"""The figures of the gap section: gain against the size of the teacher."""

import numpy as np

from kdprobe.core.section import Figure
from kdprobe.report import words
from kdprobe.report.evidence.gaps import AS_TRAINED, Gap, near
from kdprobe.report.evidence.groups import axis, short_names
from kdprobe.report.evidence.predicted import bounded
from kdprobe.report.sections._gap_answer import best_of
from kdprobe.report.theme.plots import Panel, Role, Series, panels
from kdprobe.stats.paired import contrast

LOSSES = {"classification": "calibrated NLL", "regression": "MSE"}
TWIN = "untaught twin"
"""What a gain of 0 is."""
ROLES: tuple[Role, ...] = ("one", "two", "three", "four")
FREE: tuple[Role, ...] = ("three", "two", "four", "one")
"""In which order a prediction looks for a role of its own: what stands beside comes second, a law has the last one."""


def _ratio_ticks(ratios: np.ndarray) -> list[str]:
    return [f"{ratio:.0f}" if ratio >= 9.5 else f"{ratio:.1f}" for ratio in ratios]


def series_of(gap: Gap, name: str, label: str, role: Role, *, seeds: bool) -> Series:
    """One line of a figure: means over seeds with their intervals."""
    values = gap.curve.values[name]
    mean = np.nanmean(values, axis=0)
    low, high = contrast(values.T).interval() if len(values) > 1 else (np.full_like(mean, np.nan),) * 2
    at = np.log2(gap.curve.sizes / gap.student_size)
    return Series(label=label, role=role, x=at, mean=mean, low=low, high=high, seeds=values if seeds else None)


def _law(gap: Gap, name: str) -> list[Series]:
    """The truth, where it is known."""
    if gap.law is None:
        return []
    truth, nowhere = getattr(gap.law, name), np.full(len(gap.curve.sizes), np.nan)
    return [Series(label="law", role="four", x=np.log2(gap.curve.sizes / gap.student_size), mean=truth, low=nowhere, high=nowhere)]


def _predicted(gap: Gap, drawn: list[Series]) -> tuple[list[Series], list[int]]:
    """What theory had said before the sweep, and the teachers under which it lies off the figure."""
    if gap.predicted is None or not gap.predicted.drawn:
        return [], []
    ends = np.concatenate([np.ravel(part) for one in drawn for part in (one.mean, one.low, one.high, one.seeds) if part is not None])
    (value, low, high), off = bounded(gap.predicted, float(np.nanmin(ends)), float(np.nanmax(ends)))
    taken = [one.role for one in drawn]
    free: list[Role] = [role for role in FREE if role not in taken]
    at = np.log2(gap.curve.sizes / gap.student_size)
    return [Series(label="predicted before", role=free[0] if free else FREE[0], x=at, mean=value, low=low, high=high)], off


def sketch(group: list[Gap], prefix: str) -> Figure:
    """The curves of a card: one line an arm, without seeds."""
    first = group[0]
    series = tuple(series_of(gap, "gain", gap.arm, role, seeds=False) for gap, role in zip(group, ROLES, strict=False) if gap.gains)
    if len(group) == 1:
        series = (series_of(first, "gain", LOSSES[first.kind], "one", seeds=False),)
        if "gain_raw" in first.curve.values:
            series = (*series, series_of(first, "gain_raw", "NLL as it is", "two", seeds=False))
    sizes, teachers = axis([gap.curve for gap in group if gap.gains])
    (noun, names), ratios = short_names(teachers), sizes / first.student_size
    told = best_of(group)
    bands = () if told is None else best_bands(told)
    svg = panels(
        [Panel(title=f"Gain over the twin ({first.unit})", series=series, zero=TWIN, bands=bands)],
        x=np.log2(ratios), ticks=[f"{name}\n{ratio}" for ratio, name in zip(_ratio_ticks(ratios), names, strict=True)],
        x_label=f"teacher {noun}, and its size / student size",
        prefix=prefix, title=f"Gain of {first.student} on {first.task} by teacher size", height=180,
        description=". ".join(f"{gap.arm}: {_in_numbers(gap)}" for gap in group),
    )  # fmt: skip
    where = "" if told is None or told.arm == AS_TRAINED else f" on {told.arm}"
    shaded = f"Shaded: sizes that may be best{where} (95 % set). " if bands else ""
    return Figure(svg=svg, caption=f"{shaded}Above the line the teacher helped; bars are 95 % intervals.")


def best_bands(gap: Gap) -> tuple[tuple[float, float], ...]:
    """Spans of log2(teacher size / student size) around the sizes that may be best; none where too few seeds name any.

    Neighbours share one span; each reaches half of the way to the next size that is not in it.
    """
    if gap.reading.direction_only or gap.reading.deficit is None:
        return ()
    at, best = np.log2(gap.curve.sizes / gap.student_size), set(gap.reading.best_set)
    between = (at[1:] + at[:-1]) / 2
    ends = [2 * at[0] - between[0], *between, 2 * at[-1] - between[-1]]
    firsts = [place for place in sorted(best) if place - 1 not in best]
    lasts = [place for place in sorted(best) if place + 1 not in best]
    return tuple((float(ends[first]), float(ends[last + 1])) for first, last in zip(firsts, lasts, strict=True))


def figure(group: list[Gap], around: list[Gap], prefix: str) -> Figure:
    """Gains by teacher size in a panel a regime, what stands beside it as further lines, and the teachers' own loss below."""
    # an arm whose runs all failed has no curve; its card says so
    group = [gap for gap in group if len(gap.curve.sizes)]
    first = group[0]
    rows, caption = [], [f"{first.task} · student {first.student}"]
    for gap in group:
        others = [other for other in near(gap, around) if len(other.curve.sizes)]
        series = [series_of(gap, "gain", gap.setting.removeprefix("at ") or LOSSES[gap.kind], "one", seeds=True)]
        for other, role in zip(others, ROLES[1:], strict=False):
            series.append(series_of(other, "gain", other.beside.partition(" ")[2], role, seeds=False))
        series += _law(gap, "gain")
        told, off = _predicted(gap, series)
        series += told
        if off:
            noun, names = short_names(gap.curve.teachers)
            caption.append(f"{gap.arm}: off the figure lies what was predicted under {noun} {words.listed([names[i] for i in off])}")
        rows.append(Panel(title=f"{gap.arm}: gain ({gap.unit})", series=tuple(series), scale="gain", zero=TWIN, bands=best_bands(gap)))
    teacher = [series_of(first, "teacher_loss", LOSSES[first.kind], "three", seeds=True)]
    if "teacher_loss_raw" in first.curve.values:
        teacher.append(series_of(first, "teacher_loss_raw", "NLL as it is", "four", seeds=False))
    teacher += _law(first, "teacher_loss")
    rows.append(Panel(title=f"the teacher's own loss ({first.unit})", series=tuple(teacher)))
    sizes, teachers = axis([gap.curve for gap in group])
    (name, names), ratios = short_names(teachers), sizes / first.student_size
    svg = panels(
        rows, x=np.log2(ratios), x_label=f"teacher size / student size, teacher {name}",
        ticks=[f"{ratio}\n{short}" for ratio, short in zip(_ratio_ticks(ratios), names, strict=True)], prefix=prefix,
        title=f"{first.task}, student {first.student}: gain by teacher size, every seed, with the teachers' own loss",
        description="The lines of the card of this student with every seed, beside what was changed; their numbers are there and in the "
        "table of cells.",
    )  # fmt: skip
    return Figure(svg=svg, caption=". ".join(caption))


def _in_numbers(gap: Gap) -> str:
    noun, names = short_names(gap.curve.teachers)
    return ", ".join(f"{noun} {name} {words.result(gain)}" for name, gain in zip(names, gap.gains, strict=False)) or "no interval"
