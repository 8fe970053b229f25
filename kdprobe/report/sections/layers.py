"""Which layers of a student are like which of its teacher, and which of them are so without it?"""

from typing import Any

from kdprobe.compare.layer_map import LayerMap
from kdprobe.compare.layers import layer_map
from kdprobe.compare.show_map import note
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.section import Content, Figure, Section
from kdprobe.core.trace import Trace
from kdprobe.report.evidence.arms import Frame
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.scrub import scrub_text
from kdprobe.report.evidence.transfers import transfers
from kdprobe.report.maps import figures

LEAST_TWINS, MOST_LAYERS = 3, 8
MOST_TWINS = 20
"""Of the reference twins of a map: its intervals are then 1.09 times as wide as with endlessly many, by t and sqrt(1 + 1/k), and a page of
hundreds of seeds reads no more networks than this."""


def draw(evidence: Evidence) -> Content | None:
    """Draw the maps of one cell a task: the widest student under the widest teacher of the first arm, at the first seed that has all."""
    siblings = SIBLINGS if evidence.asks == "gap" and transfers(evidence) else ""
    words: list[str] = [WORDS.format(siblings=siblings)]
    maps: list[Figure] = []
    for i, task in enumerate(evidence.tasks()):
        for student in _candidates(evidence, task):
            try:
                found = _map(evidence, student)
            except (DataError, PlanError) as error:
                # a page is drawn also where weights or data are not at hand any more
                words.append(f"{task}: the networks could not be read ({scrub_text(str(error))}).")
                break
            if found is None:
                return None
            name = f"{task}, {student['arm']}, {student['student']} under {student['teacher']}, seed {student['seed']}"
            words.append(f"{name}: {note(found)}")
            maps += figures(found, prefix=f"layers{i}-", caption=f"{task}: ")
            break
    return Content(words=tuple(words), figures=tuple(maps)) if len(words) > 1 else None


def _candidates(evidence: Evidence, task: str) -> list[dict[str, Any]]:
    """Students with their teacher and reference twins trained, in the order of preference; nothing measured decides."""
    rows = evidence.students
    rows = rows[(rows["task"] == task) & (rows["status"] == "done")]
    if rows.empty:
        return []
    rows = rows[rows["arm"] == rows["arm"].iloc[0]]
    rows = rows[rows["size"] == rows["size"].max()]
    rows = rows[rows["teacher_size"] == rows["teacher_size"].max()].sort_values(["draw", "seed"], kind="stable")
    return [row for row in rows.to_dict("records") if len(_reference_twins(evidence, row)) >= LEAST_TWINS]


def _reference_twins(evidence: Evidence, student: dict[str, Any]) -> Frame:
    """Ids by seed of the twins of the other seeds of the same draw and arm; of many, those of the seeds that come next."""
    rows = evidence.students
    for name in ("task", "arm", "student", "teacher", "draw"):
        rows = rows[rows[name] == student[name]]
    others = rows[rows["seed"] != student["seed"]]
    models = evidence.models()
    done = set(models.loc[models["status"] == "done", "model_id"])
    twins = others[others["twin_id"].isin(done)].set_index("seed")["twin_id"]
    if len(twins) <= MOST_TWINS:
        return twins
    # around the seeds as around a circle: nothing measured decides, and no seed is preferred
    following = sorted(twins.index, key=lambda seed: (seed < student["seed"], seed))[:MOST_TWINS]
    return twins[twins.index.isin(following)]


def _map(evidence: Evidence, student: dict[str, Any]) -> LayerMap | None:
    ids = {"teacher": student["teacher_id"], "student": student["model_id"]}
    ids |= {f"twin of seed {seed}": twin for seed, twin in _reference_twins(evidence, student).items()}
    features: dict[str, Any] = {}
    blocks = None
    for name, model in ids.items():
        trace = evidence.trace(model)
        if trace is None:
            return None
        features[name], blocks = _layers(trace), trace.blocks
    return layer_map(features, blocks=blocks)


def _layers(trace: Trace) -> dict[str, Any]:
    """Hidden layers and outputs; of many, evenly spaced ones."""
    every = {**trace.features, "outputs": trace.raw}
    names = list(every)
    if len(names) > MOST_LAYERS:
        names = [names[round(i * (len(names) - 1) / (MOST_LAYERS - 1))] for i in range(MOST_LAYERS)]
    return {name: every[name] for name in names}


WORDS = (
    "Similarity of each layer of a teacher to each of its student, for one student of each task (the widest under the widest teacher), "
    "beside the same of twins of other seeds, which never met this teacher, and the difference. What twins show too was not taken over, "
    "and what is more need not come from this very teacher{siblings}. The error of the difference is that of one "
    "more twin. Images and sequences are flattened: each place counts as a unit."
)

SIBLINGS = ": see the table of three parts above"

LAYERS = Section(name="layers", question="Which layers are alike, and which of them without teaching?", draw=draw, order=25)
