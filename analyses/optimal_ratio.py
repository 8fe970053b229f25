"""How large should the teacher be? The first open question of the survey, on real data and on the law that is known exactly.

    python analyses/optimal_ratio.py                                      # the claims, printed: about four minutes on two cores
    python analyses/optimal_ratio.py --quick                              # small sweeps, too few seeds for any claim: a minute
    python analyses/optimal_ratio.py --out reports/optimal_ratio.html     # write the page

Sweeps of letters, bikeshare and Fashion-MNIST under many settings, all with the same paired seeds: perceptrons on the teacher's own rows
and on unlabelled ones, α and temperature fixed and chosen on validation rows, teachers with weight decay or fewer steps, students that
train longer, random features with and without ridge; and the nested least-squares law. Each zoo is kept in ``--zoos``, and a second run
goes on from there.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import _ratio_claims as claims
import pandas as pd
from _ratio_advice import advice
from _ratio_claims import Claim, Tables
from _ratio_page import figures, ladder, verdicts
from _ratio_studies import Study, studies, trained

from kdprobe.core.files import write_atomically
from kdprobe.core.section import Column, Content, Table
from kdprobe.report.page import compose
from kdprobe.sweep.command import command_of

CLAIMS = (
    "A deficit is what the largest teacher costs the student against the best smaller one; wherever a smaller size is selected, every "
    "bootstrap resample of the seeds selects anew. A claim that something shrinks is supported where the paired change is shown to be "
    "above 0, and contradicted where it is shown to be less than a fifth. What counts as less, and as removed, was set after a first look "
    "at the curves; what is claimed, and what was expected, before. Three of the twenty seeds without a ridge had been looked at before.",
)
RUNGS = (
    "On unlabelled rows a student learns from the teacher's word alone. Beside it: the same student taught by its own untaught twin, "
    "trained on twice the steps without a teacher, and given the true labels of those rows, which no teacher's word can be expected to "
    "beat."
)
LIMITS = (
    "Of other families, tasks or sizes: these are small networks on small data, chosen because many seeds can be trained. Seeds share "
    "one draw of labelled rows in each sweep, so intervals speak of initialisation and batch order (and of the features drawn), not of "
    "other rows.",
    "Of choices that were not made: the learning rate was the default, and steps were the task's own, the same for teachers, twins and "
    "students, where nothing else is said.",
)


def provenance() -> Table:
    """The command that repeats each sweep, and the hash of its plan."""
    rows = tuple(
        {
            "study": name,
            "hash": study.plan.hash[:12],
            "command": command_of("kdprobe sweep --gap", study.plan, "FOLDER") + " --no-similarity",
        }
        for name, study in studies(quick=False).items()
    )
    columns = (
        Column(key="study", title="study"), Column(key="hash", title="plan"), Column(key="command", title="command", shown="prose"),
    )  # fmt: skip
    return Table(caption="python analyses/optimal_ratio.py runs them all", columns=columns, rows=rows)


def page(tables: Tables, found: Sequence[Claim], law: Sequence[tuple[float, float, float]], *, models: int) -> str:
    """The whole page."""
    seeds = min(
        int(table["seed"].nunique()) for study in tables.values() for name, table in study.items() if name not in ("models", "scores")
    )
    lede = (
        f"Letters, bikeshare and Fashion-MNIST, perceptrons and random features, {len(tables)} sweeps of {models:,} networks, {seeds} or "
        "more paired seeds in one draw of labelled rows, beside a law that is known exactly. Every student is compared with its own twin: "
        "the same start, the same number of steps, no teacher. Intervals are 95 %, over seeds."
    )
    columns = (
        Column(key="name", title="claim"), Column(key="says", title="says", shown="prose"),
        Column(key="expected", title="expected", shown="prose"), Column(key="verdict", title="outcome"),
        Column(key="found", title="what was found", shown="prose"),
    )  # fmt: skip
    table = Table(caption="Claims made before the results, with their outcome", columns=columns, rows=tuple(vars(claim) for claim in found))
    sections = [
        ("advice", "What should you do?", Content(words=advice(tables))),
        ("claims", "What was claimed, and what came of it?", Content(words=CLAIMS, tables=(table,))),
        ("curves", "How does the gain depend on the teacher's size?", Content(figures=figures(tables, law))),
        ("ladder", "What are unlabelled rows worth?", Content(words=(RUNGS,), tables=(ladder(tables),))),
        ("settings", "What holds in each setting?", Content(tables=(verdicts(tables),))),
        ("limits", "What is this no evidence of?", Content(words=LIMITS)),
        ("provenance", "Where does it come from?", Content(tables=(provenance(),))),
    ]
    return compose("How large should the teacher be?", lede, sections)


def main() -> None:
    """Train what is not there yet, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sweeps with too few seeds for any claim")
    parser.add_argument("--out", type=Path, help="write the page here")
    parser.add_argument("--zoos", type=Path, default=Path("sweep-optimal-ratio"), help="folder of the zoos; what is there is not repeated")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    arguments = parser.parse_args()
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)  # before minutes of training, not after
    start = time.perf_counter()
    tables: dict[str, dict[str, pd.DataFrame]] = {}
    wanted: dict[str, Study] = studies(quick=arguments.quick)
    arguments.zoos.mkdir(parents=True, exist_ok=True)
    for name, study in wanted.items():
        tables[name] = trained(study, arguments.zoos / name.replace(", ", "-").replace(" ", "-"), jobs=arguments.jobs)
        print(f"{name}: {len(tables[name]['models'])} networks, {time.perf_counter() - start:.0f} s", flush=True)
    models = sum(len(study["models"]) for study in tables.values())
    law_claim, law = claims.law_holds(seeds=400 if arguments.quick else 4000, cells=20 if arguments.quick else 100)
    kinds = (
        claims.fewer_rows, claims.universal, claims.over_confidence, claims.double_descent, claims.regularised, claims.schedule,
    )  # fmt: skip
    found = [law_claim, *(claim(tables) for claim in kinds)]
    for claim in found:
        print(f"{claim.name} {claim.verdict}: {claim.says} (expected: {claim.expected}). {claim.found}")
    print(*advice(tables), sep="\n")
    if arguments.out:
        write_atomically(arguments.out, page(tables, found, law, models=models).encode())
        print(f"{arguments.out} written, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
