"""Every scheme of the survey beside what is said of it: predicted, found, verdict."""

from typing import Any

from kdprobe.core.registry import available
from kdprobe.core.result import Measurement
from kdprobe.core.section import Card, Column, Content, Finding, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.objectives import Tried, tried
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT

OBJECTIVES_IN_ORDER = ("compression", "expansion", "adaptation", "enhancement")


def draw(evidence: Evidence) -> Content | None:
    """Draw a card an objective, and one table of all schemes and tasks."""
    found = sorted(tried(evidence), key=lambda one: OBJECTIVES_IN_ORDER.index(one.scheme.objective))
    missing = evidence.provenance().get("not_applicable", [])
    if not found:
        return None
    cards = []
    for objective in OBJECTIVES_IN_ORDER:
        own = [one for one in found if one.scheme.objective == objective]
        if own:
            cards.append(Card(headline=objective, findings=tuple(map(_finding, own)), answer=_answer(objective, own)))
    return Content(cards=tuple(cards), words=_words(found, missing), tables=(_table(found, missing),))


def _answer(objective: str, own: list[Tried]) -> str:
    held = [one for one in own if one.reading.verdict == "SUPPORTED"]
    failed = [one for one in own if one.reading.verdict == "CONTRADICTED"]
    told = f"{objective}: what is said holds in {len(held)} of {words.counted(len(own), 'case')}"
    told += f" ({words.listed([_short(one) for one in held])})" if held else ""
    return f"{words.capitalised(told)}" + (f"; it does not for {words.listed([_short(one) for one in failed])}." if failed else ".")


def _short(one: Tried) -> str:
    return f"{one.scheme.name.replace('_', ' ')} on {one.task}"


def _finding(one: Tried) -> Finding:
    reading = one.reading
    return Finding(
        claim=one.scheme.predicts,
        scope=f"{one.task} · {one.scheme.name.replace('_', ' ')} · student {one.student}",
        verdict=reading.verdict,
        qualifier=_qualifier(one),
        measures="gain over the twin",
        number=words.result(reading.gain) if reading.gain else "",
        sentences=(_sentence(one),),
        change_our_mind=f"{SEEDS_FOR_A_VERDICT} seeds (now {reading.n})." if reading.n < SEEDS_FOR_A_VERDICT else "more seeds, other rows.",
    )


def _nearest(one: Tried) -> str:
    """The rung below that is hardest to beat."""
    return min(one.over, key=lambda name: one.over[name].value) if one.over else ""


def _qualifier(one: Tried) -> str:
    """A control of a verdict may be a scheme with a teacher here, so it is named."""
    name, told = _nearest(one), one.reading.qualifier
    named = told.replace("a control", name).replace("controls", name) if name and "no control" not in told else told
    if one.reading.verdict == "SUPPORTED" and any(found.high < 0 for found in one.under.values()):
        return "; ".join(filter(None, (named, f"even more than {next(iter(one.under))}")))
    return named


def _sentence(one: Tried) -> str:
    reading = one.reading
    if reading.gain is None:
        return f"{words.counted(reading.n, 'seed')}: {reading.qualifier}."
    told = [f"{words.result(reading.gain)} over the twin"]
    told += [f"{words.result(found)} over {name}" for name, found in one.over.items()]
    told += [f"{words.result(found)} less than {name}" for name, found in one.under.items()]
    told += [f"{name} was not trained to the end" for name in one.lost]
    return f"{words.capitalised('; '.join(told))}."


def _words(found: list[Tried], missing: list[dict[str, Any]]) -> tuple[str, ...]:
    verdicts = [one.reading.verdict for one in found]
    told = [
        f"What the literature says of a scheme holds in {verdicts.count('SUPPORTED')} of {words.counted(len(found), 'case')} and is "
        f"contradicted in {verdicts.count('CONTRADICTED')}. SUPPORTED needs a gain over the untaught twin and over every rung below the "
        "scheme, on the same seeds; all verdicts of the page are adjusted together."
    ]
    reasons = dict.fromkeys((row["task"], row["reason"]) for row in missing)
    told += [f"Not run on {task}: {reason}" for task, reason in reasons]
    return tuple(told)


def _table(found: list[Tried], missing: list[dict[str, Any]]) -> Table:
    rows = [_row(one) for one in found]
    for row in missing:
        scheme = available("schemes").get(row["scheme"])
        rows.append(
            {
                "objective": "" if scheme is None else scheme.objective,
                "scheme": row["scheme"].replace("_", " "),
                "task": row["task"],
                "predicted": "" if scheme is None else scheme.predicts,
                "said": row["reason"],
                "verdict": "NOT APPLICABLE",
            }
        )
    return Table(caption="Schemes by objective and task: predicted, found, verdict", columns=COLUMNS, rows=tuple(rows))


def _row(one: Tried) -> dict[str, Any]:
    name = _nearest(one)
    cites = f" ({one.scheme.cites})" if one.scheme.cites else ""
    return {
        "objective": one.scheme.objective,
        "scheme": one.scheme.name.replace("_", " "),
        "task": one.task,
        "predicted": one.scheme.predicts + cites,
        "gain": _triple(one.reading.gain),
        "over": _triple(one.over.get(name)),
        "rung": name.replace("_", " "),
        "under": _triple(next(iter(one.under.values()), None)),
        "verdict": one.reading.verdict,
        "said": _qualifier(one),
        "seeds": one.reading.n,
    }


def _triple(found: Measurement | None) -> tuple[float, float, float] | None:
    return None if found is None else (found.value, found.low, found.high)


COLUMNS = (
    Column(key="objective", title="objective"),
    Column(key="scheme", title="scheme"),
    Column(key="task", title="task"),
    Column(key="predicted", title="predicted", shown="prose"),
    Column(
        key="gain",
        title="gain",
        shown="interval",
        explains="over the paired twin: calibrated NLL in nats (a temperature fitted on validation rows), MSE in target variances",
    ),
    Column(key="over", title="over the hardest rung", shown="interval", explains="difference of gains to the rung below that gains most"),
    Column(key="rung", title="which rung"),
    Column(key="under", title="below the upper rung", shown="interval", explains="what true labels that it lacks would add"),
    Column(key="verdict", title="verdict"),
    Column(key="said", title="note", shown="prose"),
    Column(key="seeds", title="seeds", shown="number"),
)

OBJECTIVES = Section(
    name="objectives",
    question="Which objective and which scheme helps, and is it what is said?",
    draw=draw,
    order=10,
    plans=("objectives",),
)
