"""How much was transferred, and how good is it: doses of teaching beside a ladder of controls, on a plane of amount and quality."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kdprobe.core.section import Card, Column, Content, Finding, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.doses import Doses, Rung, doses
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.knowledge import SCORE
from kdprobe.report.evidence.transfers import title_of
from kdprobe.report.sections._dose_answer import answer, next_of, own_answer
from kdprobe.report.sections._dose_figures import dose_figure, ladder_figure, plane_figure
from kdprobe.report.sections._dose_gates import gates_table
from kdprobe.report.sections._scores import Model, scores
from kdprobe.report.sections._transfer_sizes import triple
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast
from kdprobe.verdicts.dose import DoseReading

WORDS = (
    "Amount is how much of this very teacher is in a student: its likeness to its own teacher minus its likeness to sibling teachers (same "
    "size, other seeds), less the same of its untaught twin. Quality is its gain over that twin. The two are asked apart, because a weak "
    "teacher moves a student as far as a good one.",
    "Doses are settled before any result. Full teaching is all unlabelled rows; verdicts are of it. Trends over doses are read by Page's "
    "test over seeds. Controls learned nothing of this teacher, but for the one whose teacher is this one stopped early, which shows that "
    "amount is not quality: each other must be shown to stay within a fifth of full teaching (two one-sided "
    "t tests). p values are Holm-adjusted over the students of the page.",
)


def draw(evidence: Evidence) -> Content | None:
    """Draw a card, a plane, its dose curves and its ladder for each student; one table of all rungs and one of metrics and gates."""
    found = [one for one in doses(evidence) if one.rungs]
    if not found:
        return None
    read = [one for one in found if one.seeds > 1]
    return Content(
        cards=tuple(
            Card(
                headline=words.headline(one.task, one.student, one.student_size),
                findings=tuple(_findings(one)),
                answer=answer(one),
                own=own_answer(one),
                next=next_of(evidence, one),
                figure=plane_figure(one, f"p{i}") if one.seeds > 1 else None,
                scores=_scores(evidence, one),
            )
            for i, one in enumerate(found)
        ),
        words=WORDS,
        figures=tuple(
            figure for i, one in enumerate(read) for figure in (*dose_figure(one, f"d{i}"), *ladder_figure(one, f"l{i}")) if figure
        ),
        tables=tuple(table for table in (_table(read), gates_table(read)) if table.rows),
    )


def _findings(found: Doses) -> Iterable[Finding]:
    full = found.fullest
    reading, worth = found.arrived, found.worth
    if full is None or reading is None or worth is None:
        yield Finding(
            claim="something of this teacher was transferred", scope="full teaching", verdict="INCONCLUSIVE",
            sentences=(f"{words.counted(found.seeds, 'seed')} with every dose and control: nothing can be read.",),
        )  # fmt: skip
        return
    yield Finding(
        claim="something of this very teacher arrived", scope="full teaching", verdict=reading.verdict, qualifier=reading.qualifier,
        measures="own teacher minus siblings, less the same of its twin" if reading.placebo else "own teacher minus siblings",
        number=words.result(reading.specific) if reading.specific else "",
        sentences=tuple(_amount(found)),
        change_our_mind=_seeds_or(reading.n, "an untaught student of the same loss that shows the same contrast."),
    )  # fmt: skip
    yield Finding(
        claim="teaching made the student better", scope="full teaching", verdict=worth.verdict, qualifier=worth.qualifier,
        measures="gain over the untaught twin", number=words.result(worth.gain) if worth.gain else "",
        sentences=tuple(_quality(found)),
        change_our_mind=_seeds_or(worth.n, "a twin that is trained longer, or on as many rows, and gains as much."),
    )  # fmt: skip
    for trend, name in ((found.by_weight, "the teacher's weight"), (found.by_rows, "the number of unlabelled rows")):
        if trend is not None:
            yield Finding(
                claim="more teaching carries over more of this teacher", scope=name, verdict=trend.verdict, qualifier=trend.qualifier,
                measures="strongest dose minus weakest", number=words.result(trend.effect) if trend.effect else "",
                sentences=tuple(_trend(found, trend, name)),
                change_our_mind=_seeds_or(trend.n, "a dose between that shows less than a weaker one."),
            )  # fmt: skip
    if found.controls is not None and found.strangers:
        yield Finding(
            claim="controls show nothing of this teacher", scope="all controls", verdict=found.controls.verdict,
            qualifier=found.controls.qualifier, measures="furthest control",
            number=words.result(found.controls.effect) if found.controls.effect else "", sentences=tuple(_controls(found)),
            change_our_mind=_seeds_or(found.controls.n, "more seeds, which narrow what a control can be."),
        )  # fmt: skip


def _seeds_or(n: int, otherwise: str) -> str:
    return f"{SEEDS_FOR_A_VERDICT} seeds (now {n})." if n < SEEDS_FOR_A_VERDICT else otherwise


def _amount(found: Doses) -> Iterable[str]:
    full = found.fullest
    assert full is not None, "asked before"
    yield f"Full teaching is {full.name}."
    moved = full.moved.get(found.primary)
    if moved is not None and len(moved) > 1:
        told = contrast(moved).measurement()
        yield f"{title_of(found.primary)}: the student is {words.result(told)} nearer to its teacher than other seeds' twins are, in all."
    if not found.placebo:
        yield "No placebo was measured: what an untaught twin shows is not subtracted."
    tau = full.specific.get("transfer_coefficient")
    if tau is not None and len(tau) > 1:
        yield f"τ toward the own teacher minus τ toward siblings: {words.result(contrast(tau).measurement())}."


def _quality(found: Doses) -> Iterable[str]:
    full, name = found.fullest, "accuracy" if found.kind == "classification" else "R²"
    if full is not None and len(full.score) > 1:
        yield f"In {name}, student less twin: {words.result(contrast(full.score).measurement())}."
    if found.worth is not None and found.worth.margin:
        yield f"Less than {found.worth.margin:.2g} is called negligible: a fifth of the seed spread of twins."


def _trend(found: Doses, trend: DoseReading, name: str) -> Iterable[str]:
    rungs = found.of("weights" if name.endswith("weight") else "rows")
    means = [
        float(rung.specific[found.primary].mean()) for rung in rungs if found.primary in rung.specific and rung.specific[found.primary].size
    ]
    if means:
        doses = words.listed([f"{rung.dose:g}" for rung in rungs])
        yield f"From {doses}: {words.listed([words.number(mean, 4) for mean in means])} of own minus siblings ({words.p_told(trend.p)})."


def _controls(found: Doses) -> Iterable[str]:
    controls = found.controls
    if controls is None or not controls.shares:
        yield words.capitalised(f"{controls.qualifier if controls else 'no control was trained'}.")
        return
    kept = len(controls.shares) - len(controls.named)
    yield f"{kept} of {words.counted(len(controls.shares), 'control')} are shown to stay within a fifth of full teaching."
    if controls.named:
        yield f"Not shown of: {words.listed([f'{name} ({_percent(controls.shares[name])} of it)' for name in controls.named])}."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %".replace("-", "−")


def _scores(evidence: Evidence, found: Doses) -> Table | None:
    table = evidence.models().set_index("model_id")
    shown = [rung for rung in (*found.of("weights")[-1:], *found.of("rows")[-1:]) if rung.models]
    ids = [name for rung in shown for name in rung.models if name in table.index]
    if not ids:
        return None
    models = (
        Model("twin, untaught", tuple(table.loc[ids, "twin_id"].dropna())),
        *(Model(f"student, {rung.name}", rung.models) for rung in shown),
        Model("teacher", tuple(table.loc[ids, "teacher_id"].dropna())),
    )
    return scores(evidence, found.kind, models, ", students at the strongest doses")


def _table(found: Sequence[Doses]) -> Table:
    rows = tuple(_row(one, rung) for one in found for rung in one.rungs)
    return Table(caption="Every dose and every control: amount, quality", columns=COLUMNS, rows=rows)


def _row(found: Doses, rung: Rung) -> dict[str, Any]:
    return {
        "student": f"{found.task} · {found.student}",
        "rung": rung.name,
        "of": "dose" if rung.of != "control" else "same teacher, early" if rung.kin else "control",
        "gain": _interval(rung.gain),
        "score": _interval(rung.score),
        "moved": _interval(rung.moved.get(found.primary)),
        "specific": _interval(rung.specific.get(found.primary)),
        "tau": _interval(rung.specific.get("transfer_coefficient")),
        "seeds": found.seeds,
    }


def _interval(values: np.ndarray | None) -> tuple[float, float, float] | None:
    return None if values is None or len(values) < 2 or not np.isfinite(values).all() else triple(contrast(values).measurement())


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="rung", title="taught"),
    Column(key="of", title="is"),
    Column(key="gain", title="gain", shown="interval", explains="over the twin: calibrated NLL in nats, MSE in target variances"),
    Column(key="score", title="score", shown="interval", explains=f"{SCORE['classification']} or R², student less twin"),
    Column(key="moved", title="moved", shown="interval", explains="agreement (R²) with the teacher, less what other seeds' twins reach"),
    Column(key="specific", title="teacher-specific", shown="interval", explains="own teacher minus siblings, less the same of its twin"),
    Column(key="tau", title="τ, specific", shown="interval", explains="the same in the transfer coefficient"),
    Column(key="seeds", title="seeds", shown="number"),
)

DOSE = Section(name="dose", question="How much was transferred, and how good is it?", draw=draw, order=10, plans=("transfer",))
