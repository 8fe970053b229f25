"""The one call that would change a comparison's answer, and what it costs."""

from kdprobe.compare.answer.found import helped, own, target
from kdprobe.compare.compared import Call, Compared
from kdprobe.compare.judge import LEAST, PERFORMANCE, Judged, closer, judged
from kdprobe.compare.words_gain import read
from kdprobe.core.section import Next
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT

ENOUGH = 8
"""With so many twins, or siblings, more of them hardly narrow how far the next may lie off: seeds of the recipe do."""
KINDS = ("classification", "regression", "multilabel")


def following(comparison: Compared) -> Next | None:
    """Return what is missing most, or, where nothing is, what the doubt that is left hangs on; None where no doubt is left.

    What the call cannot know stands in it under names: ``build`` and ``fit`` are the functions of `kdprobe.train_twins`, ``train`` the
    rows that models were trained on. Where the comparison has a ``spelling`` of its own, as one from
    the command line has, that writes the call.
    """
    return _missing(comparison) or _doubtful(comparison)


def _missing(comparison: Compared) -> Next | None:
    seeds = comparison.seeds
    if comparison.warnings:
        return Next(
            why="put right what the warning names, and compare again",
            command=_call(comparison, Call()),
            cost=_networks(len(comparison.unfit), "teacher") if comparison.unfit else "no training, unless a model is missing",
        )
    if not comparison.twins:
        count = seeds or LEAST
        why = f"{count} twins, trained without the teacher, {'one for each student, ' if seeds else ''}show what teaching added"
        return Next(why=why, command=_call(comparison, Call(twins=count)), cost=_networks(count, "student"))
    if not comparison.scores:
        return Next(
            why=f"{target(comparison)} tell which model is better",
            command=_call(comparison, Call(data="targets")),
            cost=f"targets of {comparison.n:,} row{'' if comparison.n == 1 else 's'}, no training",
        )
    if seeds:
        return _seeds(comparison, SEEDS_FOR_A_VERDICT, "are enough for a word") if seeds < SEEDS_FOR_A_VERDICT else None
    if len(comparison.twins) < LEAST:
        more = LEAST - len(comparison.twins)
        why = f"{LEAST} twins show how far one untaught network lies from the next"
        return Next(why=why, command=_call(comparison, Call(twins=more)), cost=_networks(more, "student"))
    if len(comparison.siblings) < LEAST:
        more = LEAST - len(comparison.siblings)
        why = f"{LEAST} siblings, teachers of the same recipe from other seeds, tell whether it is this teacher's own"
        return Next(why=why, command=_call(comparison, Call(siblings=more)), cost=_networks(more, "teacher"))
    return None


def _doubtful(comparison: Compared) -> Next | None:
    seeds, found = comparison.seeds, dict[str, Judged]()
    if helped(comparison).word == "not shown":
        found = read(judged(comparison, "panel", PERFORMANCE))
    elif own(comparison).word == "not shown":
        found = judged(comparison, "specific")
        found = {name: one for name, one in found.items() if closer(comparison, name, one.found)} or found
    if not found:
        return None if seeds else _seeds(comparison, SEEDS_FOR_A_VERDICT, "tell whether the recipe does so, and not these weights alone")
    if seeds:
        return _seeds(comparison, 2 * seeds, "see smaller differences")
    # all must be beaten: what the surest measure stands against least is what the answer hangs on
    nearest = min((one for one in found.values() if one.p is not None), key=lambda one: one.p or 0.0)
    against = {"rows": nearest.rows, "twin": nearest.twin or 0.0, "sibling": nearest.sibling or 0.0}
    hangs = max(against, key=lambda name: against[name])
    if hangs == "rows":
        return Next(
            why=f"twice the rows ({2 * comparison.n:,}) see smaller differences",
            command=_call(comparison, Call(data="rows")),
            cost=f"{comparison.n:,} more rows that no model was trained on, no training",
        )
    given = comparison.twins if hangs == "twin" else comparison.siblings
    if len(given) >= ENOUGH:
        return _seeds(comparison, SEEDS_FOR_A_VERDICT, f"tell apart what one more {hangs} would hide")
    role = "student" if hangs == "twin" else "teacher"
    return Next(
        why=f"{2 * len(given)} {hangs}s show more surely how far the next one may lie off, and that decides this answer",
        command=_call(comparison, Call(twins=len(given)) if hangs == "twin" else Call(siblings=len(given))),
        cost=_networks(len(given), role),
    )


def _seeds(comparison: Compared, count: int, what: str) -> Next:
    more = count - max(comparison.seeds, 1)
    return Next(
        why=f"{count} seeds of teacher, student and twin {what}",
        command=_call(comparison, Call(seeds=count)),
        cost=f"{more} more of each, {3 * more} networks",
    )


def _call(comparison: Compared, call: Call) -> str:
    return (comparison.spelling or _python)(comparison, call)


def _python(comparison: Compared, call: Call) -> str:
    kind = f'task="{_task(comparison)}"'
    if call.seeds:
        given = {"teachers": "teachers", "students": "students", "twins": "twins", "data": "data"}
        parts = [*(f"{name}={value}" for name, value in given.items()), kind]
        parts += ["siblings=siblings"] if comparison.siblings and comparison.seeds else []
        return f"kdprobe.compare({', '.join(parts)})"
    data = {"targets": "(x, y)", "rows": "more_data"}.get(call.data, "data")
    first = ["teachers=teachers", "students=students", f"data={data}"] if comparison.seeds else ["teacher", "student", data]
    parts = [*first, kind]
    for name, given, more in (("twins", comparison.twins, call.twins), ("siblings", comparison.siblings, call.siblings)):
        if more:
            parts.append(f"{name}=[*{name}, *more_{name}]" if given else f"{name}=kdprobe.train_twins(build, fit, train, seeds={more})")
        elif given:
            parts.append(f"{name}={name}")
    return f"kdprobe.compare({', '.join(parts)})"


def _task(comparison: Compared) -> str:
    return comparison.task if comparison.task in KINDS else comparison.kind


def _networks(count: int, role: str) -> str:
    return f"{count} network{'' if count == 1 else 's'} of the {role}'s kind to train"
