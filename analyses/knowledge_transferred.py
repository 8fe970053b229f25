"""How much knowledge is transferred, and how good is it? The second open question of the survey, on real data.

    python analyses/knowledge_transferred.py                                           # the claims, printed: a quarter of an hour
    python analyses/knowledge_transferred.py --quick                                   # two small sets, no claim: seconds
    python analyses/knowledge_transferred.py --out reports/knowledge_transferred.html  # write the page

Perceptrons on every real set that is here: doses of the teacher by weight and by unlabelled rows, beside a ladder of students that were
taught nothing of this teacher. Zoos are kept in ``--zoos``, and a second run goes on from there.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import _knowledge_data as data
from _knowledge_claims import settled
from _knowledge_page import answer, figures, metrics_table, sets_table
from _ratio_claims import Claim

from kdprobe.core.errors import did_you_mean
from kdprobe.core.files import write_atomically
from kdprobe.core.section import Column, Content, Table
from kdprobe.report.page import compose

QUESTION = "How much knowledge is transferred, and how good is it?"
RULES = (
    "The rule of every claim was written down, and committed, before any result of this run was looked at. Of each set a claim is read "
    "from paired seeds by one-sided t tests at 5 %, Holm-adjusted over sets. It is supported where it is shown in more than half of the "
    "sets, contradicted where its contrary is, and inconclusive otherwise.",
)
AFTER = (
    "Written after the results: C17's rule asks whether an untaught student is nearer to the teacher than twins are. Twins learn the "
    "teacher's own labelled rows, and are near to it for that alone; the table of sets shows how far the untaught student moved, and "
    "what it gained: where that is not what the taught one gained, its loss is not equal, and C17 is not asked of what it names. The "
    "number beside C8 was first a share of the best dose's gain, which is close to nothing in some sets; it is now a share of the range "
    "of gains. No rule and no outcome was changed after the first look.",
)
LIMITS = (
    f"Of other families, sizes and recipes: teachers are perceptrons of width 128, students of width 32, trained for {data.STEPS} steps at "
    "most at the default learning rate, T = 1. Letters has 1,200 steps of its own and is trained for less here.",
    "Of other rows: seeds share one draw of labelled rows in each set, so intervals within a set speak of initialisation and batch order. "
    "Sets are those that can be had as files of pinned content; nobody drew them at random from all sets that there are, as an interval "
    "over sets would want.",
    "Of the small sets, whose probe rows are few dozens: what is teacher-specific there has a wide interval, and not shown is not absent.",
    "Of controls that show nothing: G3 asks each of them to be shown within a fifth of full teaching, and where full teaching moves "
    "little, eight seeds can hardly show it. A gate that is not passed says as much of the seeds as of the metric.",
    "Of gates G1, G4, G5 and G6, which need networks of their own. Passing those that a sweep can ask is no pass of all six.",
)


def page(sets: Sequence[data.Trained], found: Sequence[Claim], missing: Sequence[str], left_out: Sequence[str] = ()) -> str:
    """The whole page."""
    regressions = sum(one.kind == "regression" for one in sets)
    lede = (
        f"{len(sets)} real data sets, {regressions} of them regression, {sum(one.rows >= 5000 for one in sets)} with 5,000 rows or more, "
        f"{min(one.found.seeds for one in sets)} or more paired seeds each. Every student is compared with its own untaught twin and with "
        "sibling teachers, and only what exceeds siblings is called transferred. Intervals are 95 %."
    )
    columns = (
        Column(key="name", title="claim"), Column(key="says", title="says", shown="prose"),
        Column(key="expected", title="expected", shown="prose"), Column(key="verdict", title="outcome"),
        Column(key="found", title="what was found", shown="prose"),
    )  # fmt: skip
    claims = Table(caption="Claims made before the results, with their outcome", columns=columns, rows=tuple(vars(one) for one in found))
    lacking = (f"Not to be had here: {'; '.join(missing)}.",) if missing else ()
    if left_out:
        lacking += (f"Here, and left out of this run by name: {', '.join(left_out)}.",)
    sections = [
        ("answer", "How much was transferred, and is it any good?", Content(words=answer(sets), figures=figures(sets))),
        ("claims", "What was claimed, and what came of it?", Content(words=(*RULES, *AFTER), tables=(claims,))),
        ("sets", "What was found on each set?", Content(words=lacking, tables=(sets_table(sets),))),
        ("metrics", "Which metric may be called transfer?", Content(tables=(metrics_table(sets),))),
        ("limits", "What is this no evidence of?", Content(words=LIMITS)),
        ("provenance", "Where does it come from?", Content(tables=(provenance(sets),))),
    ]
    return compose(QUESTION, lede, sections)


def provenance(sets: Sequence[data.Trained]) -> Table:
    """Where rows come from, and the hash of each plan."""
    rows = tuple({"set": one.name, "source": one.source, "plans": ", ".join(one.plans)} for one in sets)
    columns = (
        Column(key="set", title="data"), Column(key="source", title="from", shown="prose"), Column(key="plans", title="plans"),
    )  # fmt: skip
    return Table(caption="python analyses/knowledge_transferred.py trains them all", columns=columns, rows=rows)


def main() -> None:
    """Train what is not there yet, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two small sets with too few seeds for any claim")
    parser.add_argument("--out", type=Path, help="write the page here")
    parser.add_argument("--sets", default="", help="names of the sets, with commas between them; all that are here by default")
    parser.add_argument(
        "--zoos", type=Path, default=Path("sweep-knowledge-transferred"), help="folder of the zoos; what is there is not repeated"
    )
    parser.add_argument("--jobs", type=int, default=0, help="worker processes")
    arguments = parser.parse_args()
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)  # before minutes of training, not after
    start = time.perf_counter()
    here, missing = data.tasks(quick=arguments.quick)
    names = [one.name for one in here]
    wanted = [name.strip() for name in arguments.sets.split(",")] if arguments.sets else names
    for name in wanted:
        if name not in names:
            parser.error(f"--sets {name}: no such set is here; {did_you_mean(name, names)}")
    sets = []
    arguments.zoos.mkdir(parents=True, exist_ok=True)
    for task in (one for one in here if one.name in wanted):
        sets.append(data.trained(task, arguments.zoos, quick=arguments.quick, jobs=arguments.jobs))
        print(f"{task.name}: {time.perf_counter() - start:.0f} s", flush=True)
    found = settled(sets)
    for one in found:
        print(f"{one.name} {one.verdict}: {one.says} (expected: {one.expected}). {one.found}")
    print(*answer(sets), sep="\n")
    if arguments.out:
        write_atomically(arguments.out, page(sets, found, missing, [name for name in names if name not in wanted]).encode())
        print(f"{arguments.out} written, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
