"""``kdprobe sweep``."""

import json as json_module
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from kdprobe.cli._own import OwnData, checked_plan
from kdprobe.cli._shard import train_part
from kdprobe.cli._tables import Flag
from kdprobe.core.errors import PlanError
from kdprobe.core.spelling import Whole, words
from kdprobe.core.words import visible
from kdprobe.sweep.controls import with_objectives
from kdprobe.sweep.plan import Plan
from kdprobe.sweep.plans import asked, kind


def __getattr__(asks: str) -> Callable[..., int]:
    # the parser looks commands up by name: here the command of each question has the question's
    if asks not in asked():
        raise AttributeError(asks)
    return command(asks)


def _folder(_: Any, tokens: Sequence[Any]) -> Path:
    """A path that says nothing would be the folder one is in, where a sweep has no business."""
    if not tokens[0].value.strip():
        raise PlanError(f"{tokens[0].keyword} is empty: give the path of a new folder")
    return Path(tokens[0].value)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """How a sweep is run; what it trains is the plan's.

    Parameters
    ----------
    out
        Folder of the zoo, report.html and runs.csv.
    jobs
        Worker processes; 0 runs in this process. By default one a core.
    scheduler
        Address of your own Dask scheduler; its workers must share the folder. Whoever reaches it can run code as you: start it with TLS, or
        where you trust all.
    device
        Where to train: cpu, cuda, or one GPU of several such as cuda:1.
    engine
        How to train: auto (whichever is faster), stack (many models at once) or loop (one at a time).
    probes
        Costly probes to run beside the cheap ones.
    unit_timeout
        Seconds after which a unit of work is ended and its models are tried in halves, so that what hangs costs its own cells. By default
        10 minutes and 30 times what it should take. Needs worker processes.
    shard
        Train one part of several on a machine of its own, such as 3/16: whole seeds, into a folder of its own. `kdprobe zoo merge` brings
        the parts together; the same sweep with that folder and without --shard then measures and reports.
    no_similarity
        Measure gains alone, not how alike students and teachers are: much faster with many settings and seeds.
    dry_run
        Say how many models, how long and how much disk, and what of it is there already; train nothing.
    open
        Open the report in a browser when it is written.
    json
        Print one JSON document in place of text.
    config
        TOML file with any of these settings; what is given on the command line wins.
    """

    out: Annotated[Path | None, Parameter(converter=_folder)] = None
    jobs: Whole | None = None
    scheduler: str | None = None
    device: str = "cpu"
    engine: str = "auto"
    probes: Annotated[tuple[str, ...], words("probe", "probes", unset="none")] = ()
    unit_timeout: float | None = None
    shard: str | None = None
    no_similarity: Flag = False
    dry_run: Flag = False
    open: Flag = False
    json: Flag = False
    config: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 0:
            raise PlanError(f"jobs={self.jobs}: give 0 to run in this process, or the number of worker processes")
        if self.open and self.dry_run:
            raise PlanError("--open opens the report, and --dry-run writes none: leave one of the two out")


def command(asks: str) -> Callable[..., int]:
    """The command of a kind of plan: its own settings, beside those that all sweeps have."""

    def sweep(*, ask: Any = None, plan: Any = None, own: OwnData | None = None, where: Where | None = None) -> int:
        """Train and measure a zoo of distilled models, and write its report.

        Running the same command again resumes: finished cells are not repeated.
        """
        ask, plan, where = ask or question_of(asks)(), plan or kind(asks)(), where or Where()
        if not getattr(ask, asks):
            raise PlanError(f"sweep: say what to ask: {' or '.join(f'--{name} ({kind(name).question})' for name in asked())}")
        plan = with_objectives(plan, ask.objective) if getattr(ask, "objective", ()) else plan
        plan, more = checked_plan(plan, own)
        return _pilot(plan, where, ask.quick, more) if getattr(ask, "pilot", False) else _sweep(plan, where, ask.quick, more)

    sweep.__annotations__ |= {"ask": question_of(asks) | None, "plan": kind(asks) | None}
    return sweep


@cache
def question_of(asks: str) -> Any:
    """The switches that ask a question, as a dataclass that the parser reads."""
    others = [f"--{name}: {kind(name).question} See `kdprobe sweep --{name} --help`." for name in asked() if name != asks]
    question = kind(asks).question
    told = {asks: f"Ask: {question} In its place {' '.join(others)}" if others else f"Ask: {question}", "quick": QUICK}
    told |= {"pilot": PILOT} if kind(asks).piloted else {}
    spelling = {name: Parameter(name=f"--{name}", help=text, negative=(), show_default=False) for name, text in told.items()}
    switches = [(name, Annotated[bool, how], field(default=False)) for name, how in spelling.items()]
    switches += [("objective", OBJECTIVES, field(default=()))] if asks == "gap" else []  # pyright: ignore[reportArgumentType]
    # the module says whose class it is: the parser takes one without for a value to be typed
    return Parameter(name="*")(make_dataclass("Question", switches, frozen=True, kw_only=True, namespace={"__module__": __name__}))


QUICK = "A small plan of a minute or so, too few seeds for a verdict."
OBJECTIVE = "Objectives in place of schemes: compression, expansion, adaptation, enhancement; one table beside what the law says of each."
OBJECTIVES = Annotated[tuple[str, ...], words("objective", unset="none"), Parameter(help=OBJECTIVE)]
PILOT = (
    "Train a tenth of the seeds first, name the half of the teacher sizes that most probably holds the best, and stop. The same command "
    "without --pilot then trains what you ask for, and its report says whether the pilot was right. Needs --seeds 20 at least, because "
    "a pilot has 2 or more. Of 3 teacher sizes it can name one alone: the best of these, never where between them the best lies; give 4 "
    "or more to narrow a range down."
)


def _pilot(plan: Any, where: Where, quick: bool, more: str) -> int:
    """The pilot lies in a folder of its own inside the sweep's."""
    from kdprobe.sweep.pilot import FOLDER, pilot_plan

    if where.open:
        raise PlanError("--open opens the report, and --pilot writes none: leave one of the two out")
    if where.shard is not None:
        raise PlanError(f"shard={where.shard}: a pilot is small, and is not cut into parts: leave --shard out")
    plan = plan.quick() if quick else plan
    few, out = pilot_plan(plan), where.out or Path("sweep-gap")
    if where.dry_run:
        return _dry_run(few, where, out / FOLDER, ())
    from kdprobe.report.evidence.frames import Evidence
    from kdprobe.report.evidence.pilots import advised, named_widths, pilot_lines
    from kdprobe.sweep.command import command_of
    from kdprobe.sweep.provenance import shown_path
    from kdprobe.sweep.run import default_jobs, run
    from kdprobe.zoo.folder import INDEX, check_folder

    if (out / INDEX).exists() and not (out / FOLDER).exists():
        raise PlanError(f"--pilot: {shown_path(out)} holds results, and a pilot comes before them: choose another folder with --out")
    jobs = 0 if where.scheduler else default_jobs(where.device) if where.jobs is None else where.jobs
    check_folder(out)
    command = command_of(f"kdprobe sweep --gap{more}", plan, shown_path(out))
    with run(
        few, out / FOLDER, jobs=jobs, scheduler=where.scheduler, progress=True, engine=where.engine, device=where.device, measure=False,
        unit_timeout=where.unit_timeout,
        command=f"{command} --pilot",
    ) as zoo:  # fmt: skip
        found = advised(Evidence(zoo))
        failed = zoo.provenance()["failed_cells"]
    advice, narrow = pilot_lines(found), replace(plan, teacher_widths=named_widths(found) or plan.teacher_widths)
    how = " --no-similarity" if where.no_similarity else ""
    following = {"all": command + how, "named": command_of(f"kdprobe sweep --gap{more}", narrow, shown_path(out)) + how}
    if where.json:
        print(json_module.dumps({"pilot": str(out / FOLDER), "advice": advice, "next": following, "failed_cells": failed}))
    else:
        print(*map(visible, advice), sep="\n")
        print(f"\nall sizes:            {following['all']}\nthose worth training: {following['named']}")
    return 1 if failed else 0


def _sweep(plan: Plan, where: Where, quick: bool, more: str) -> int:
    plan = plan.quick() if quick else plan
    out = where.out or Path(f"sweep-{plan.asks}{'-quick' if quick else ''}")
    if where.shard is not None:
        from kdprobe.sweep.shard import shard_of

        shard = shard_of(where.shard)
        if not where.dry_run:
            return train_part(plan, where, out, shard, f"kdprobe sweep --{plan.asks}{more}" + (" --quick" if quick else ""))
    if where.dry_run:
        from kdprobe.sweep.run import probes_of
        from kdprobe.zoo.folder import INDEX

        # refuses a name that the run would refuse; where nothing is there yet all else of probes is not worth the second that they take
        asked = where.probes or (out / INDEX).exists()
        return _dry_run(plan, where, out, probes_of(plan, where.probes, similarity=not where.no_similarity) if asked else ())
    return _run(plan, where, out, f"kdprobe sweep --{plan.asks}{more}" + (" --quick" if quick else ""))


def _dry_run(plan: Plan, where: Where, out: Path, probes: Sequence[str]) -> int:
    from kdprobe.report.promises import promises
    from kdprobe.sweep.estimate import estimate
    from kdprobe.sweep.holdings import held
    from kdprobe.sweep.provenance import shown_path
    from kdprobe.sweep.run import checked_way, default_jobs

    jobs = default_jobs(where.device) if where.jobs is None else where.jobs
    # refuses what the run would refuse
    way = {"scheduler": where.scheduler, "engine": where.engine, "device": where.device, "unit_timeout": where.unit_timeout}
    checked_way(jobs=0 if where.scheduler else jobs, **way)
    before = held(plan, out, probes)
    found = estimate(plan, jobs=jobs)
    if where.json:
        kept = {} if before is None else {"models_there": before.models, "all_there": before.all}
        print(json_module.dumps(found | kept | {"claims": plan.claims(), "promises": [*promises(plan)]}, ensure_ascii=False))
        return 0
    print(f"{found['models']} models ({found['teachers']} teachers, {found['twins']} twins, {found['students']} students)")
    if before is not None and before.all:
        print(f"all is there already in {shown_path(out)}: nothing would be trained")
        return 0
    if before is not None and before.models == before.all_models:
        print(f"all of them are there already in {shown_path(out)}, and not all is measured; what follows is for a sweep from nothing")
    elif before is not None and before.models:
        print(f"{before.models} of them are there already in {shown_path(out)}; what follows is for a sweep from nothing")
    print(f"about {_duration(found['seconds'])} with {found['workers']} worker{'s' if found['workers'] > 1 else ''}")
    print(f"about {found['bytes'] / 1e6:.0f} MB on disk")
    print(*promises(plan), sep="\n")
    print("nothing was trained")
    return 0


def _run(plan: Plan, where: Where, out: Path, command: str) -> int:
    start = time.perf_counter()
    from kdprobe.report import report_with_verdicts
    from kdprobe.report.promises import promises
    from kdprobe.sweep.provenance import shown_path
    from kdprobe.sweep.run import checked_way, default_jobs, run

    jobs = 0 if where.scheduler else default_jobs(where.device) if where.jobs is None else where.jobs
    from kdprobe.sweep.command import command_of

    command = command_of(f"{command}{_measured(where)}", plan, shown_path(out))
    checked_way(jobs=jobs, scheduler=where.scheduler, engine=where.engine, device=where.device, unit_timeout=where.unit_timeout)
    # before hours of training: what will be too little for a verdict
    for text in promises(plan):
        print(text, file=sys.stderr)
    with run(
        plan,
        out,
        jobs=jobs,
        scheduler=where.scheduler,
        probes=where.probes,
        progress=True,
        engine=where.engine,
        device=where.device,
        similarity=not where.no_similarity,
        unit_timeout=where.unit_timeout,
        command=command,
    ) as zoo:
        page, lines, answers = report_with_verdicts(zoo, out / "report.html")
        failed = zoo.provenance()["failed_cells"]
    if where.json:
        document: dict[str, Any] = {
            "report": str(page),
            "runs": str(page.with_name("runs.csv")),
            "zoo": str(out),
            "answers": answers,
            "verdicts": lines,
            "failed_cells": failed,
            "seconds": round(time.perf_counter() - start, 1),
        }
        print(json_module.dumps(document))
    else:
        # a question may have no verdicts; what they come to is what stays on the screen
        parts = [part for part in (lines, answers) if part]
        told = [text for part in parts for text in (*map(visible, part), "")]
        print(*told, f"report: {page}   (took {_duration(time.perf_counter() - start)})", sep="\n")
    if where.open:
        from kdprobe.cli._open import open_page

        open_page(page)
    if failed:
        print(f"{len(failed)} cells failed; the report lists them, and the same command tries them again", file=sys.stderr)
    return 1 if failed else 0


def _measured(where: Where) -> str:
    """What of the way a sweep is run changes what its page has: the command that repeats it has that too."""
    probes = f" --probes {shlex.quote(','.join(where.probes))}" if where.probes else ""
    return f"{probes}{' --no-similarity' if where.no_similarity else ''}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
