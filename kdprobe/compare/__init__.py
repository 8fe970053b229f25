"""One student and one teacher: traces, all probes that apply, and what may be concluded.

Light to import: what runs models is imported when a comparison is made.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from kdprobe.compare.comparison import Comparison
    from kdprobe.core.task import Task


def compare(
    teacher: Any = None,
    student: Any = None,
    data: Any = None,
    *,
    task: "str | Task",
    twins: Sequence[Any] = (),
    siblings: Sequence[Any] = (),
    teachers: Sequence[Any] | None = None,
    students: Sequence[Any] | None = None,
    layers: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    forward: Callable[[Any, Any], Any] | None = None,
    spatial: Literal["gap", "flatten"] = "gap",
    blocks: Any = None,
    target: int | str | Callable[[Any], Any] | None = None,
    mask: Any = None,
) -> "Comparison":
    """Measure what a student has in common with its teacher, and what of it untaught twins have too.

    All models see the same batches in one pass over the data, in evaluation mode and without gradients, and are left as they were found.

    Parameters
    ----------
    teacher, student
        Torch modules; predictors with ``predict_proba`` (classification) or ``predict`` (regression); boosters of LightGBM and XGBoost;
        ONNX files and sessions (with onnxruntime installed); functions of x; or arrays of outputs, row by row in the order of the data.
        Outputs are (n, c) logits or probabilities (rows that are non-negative and sum to one are probabilities), or (n,) or (n, c)
        predictions. Of tokens, as language models and taggers give them, (n, length, c): each
        token that counts is a row, sequences are blocks, hidden layers are read token by token, and y is (n, length). Where y is the input
        ids themselves, each output is read against the next token.
    data
        (x, y); x alone; or any iterable of batches, such as a DataLoader: (x, y), x, or a mapping with one input and one target under
        common names ("x", "image", "inputs", ...; "y", "label", "target", ...). Where all models are arrays, (None, y) or None. y is (n,)
        classes 0..c-1 (or the classes of the predictors), or (n,) or (n, c) values; without it what needs the truth is refused.
    task
        "classification", "regression", or a task out of ``kdprobe.available("tasks")``. "multilabel" for labels that do not exclude each
        other: outputs are (n, labels), one logit or probability for each, and y is (n, labels) of 0 and 1; all labels together are compared
        as choices between two classes. Of several labels or values each by itself is in ``.targets``, as far as there are 30.
    twins
        Models like the student that were trained without the teacher: same network, rows and training, other seeds. With three or more
        the difference between untaught networks is known. They count as exchangeable: gains are over the mean of the twins.
    siblings
        Teachers of the teacher's recipe from other seeds, which did not teach the student. What the student shares with them any such
        teacher gives; only what it has of its own teacher beyond that, and beyond what twins show, is called transferred. Three or more.
    teachers, students
        In place of one pair, several of one recipe, paired by position, and ``twins`` then likewise, one for each student. Teachers of the
        other pairs are the siblings of each. Intervals are over seeds then, and speak of the recipe; for words it takes eight.
    layers
        Hidden layers of torch modules, as in `kdprobe.compare.capture.capture`: a name, a glob, "auto" (one a stage), several of them, or
        a mapping {"teacher": ..., "student": ..., "twins": ...} where they differ (twins have the student's, siblings the teacher's).
        Where one layer is named, probes of the last hidden layer read that one instead; several layers give ``.layer_map``, all pairs of
        them. None: the input of the output layer.
    forward
        ``forward(model, batch)`` -> outputs, for models with a call of their own; it gets the batch as the data gave it.
    spatial
        What becomes of the axes of images and sequences: "gap" averages over them, "flatten" makes them features.
    blocks
        (n,) labels of rows that belong together, in the order of the data: the hours of a day, the sentences of a document. Intervals then
        leave out whole blocks, and similarities have no p, as such rows cannot change places. Where none are given and neighbouring rows
        are alike, a note warns of it.
    target
        Where the target of a batch is, if not in its usual place: the place of a part (-1 in (user, item, y)), a key, or a function of the
        batch. Where several inputs are left, ``forward`` says how models take them; a mapping with "input_ids" is passed by keywords.
        Rows, or tokens, with the class -100 are left out. Labels of tokens that are the input ids themselves, as causal language models
        have them, are moved by kdprobe: each output is read against the next token, and a note says so. Other labels are read at their
        own token, as they are.
    mask
        What counts: 1, and 0 for what is left out of outputs, layers and scores. Where it is in a batch, as for ``target``, or the array
        itself: (n,) of rows, (n, length) of tokens. None: "attention_mask" of a mapping, where it has one; layers of sequences that end
        in one row are then averaged without their padding.

    Returns
    -------
    Comparison
        ``.answer`` for whether teaching helped, ``.sentence`` for all that may be concluded, ``.results``,
        ``.to_frame()``; `kdprobe.report` writes its page.

    Raises
    ------
    PlanError
        If an argument is none of the above, a layer is unknown, rows with blocks come from a loader that shuffles, teachers, students
        and twins of several seeds are not as many, or a sibling is another model of the comparison, up to one scale and a shift.
    DataError
        If outputs or target hold NaN or an infinity, have the wrong shape, or do not pair up; the text names the model and the row.

    Notes
    -----
    Time is one forward pass of each model, one reading of the outputs of each pair and, with twins or siblings, twenty times the cost of
    those probes that do not know at once what they are without some of the rows; k twins and m siblings are (k + 1)(m + 1) pairs. Outputs
    of classifiers are kept up to 2^23 numbers of all models together, and the last layers up to 2^27 (of tokens 2^24). Beyond that they
    pass by: a few numbers of each row are kept, and whole outputs and layers of rows drawn at random, which the notes count. Of blocks all
    layers that were named are kept.

    Every difference that is named in words is held against the same rule: 95 % of new rows, of one more twin (Student's prediction
    interval) and, for what is called transferred, of one more sibling, with the false discovery rate over all measures kept at 5 %.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> teacher = rng.normal(size=(500, 3))
    >>> student = teacher + 0.5 * rng.normal(size=(500, 3))
    >>> comparison = compare(teacher, student, None, task="classification")
    >>> str(comparison.results["agreement_top1"]["own"])
    '0.772 [0.733, 0.807]'
    >>> comparison.sentence[:70]
    "The student names the teacher's class on 77 % [73, 81] of 500 rows. Th"

    >>> comparison.answer.partition(":")[0]
    'Whether teaching helped is not known'

    Eight seeds of a recipe, with twins:

    >>> teachers = rng.normal(size=(8, 200, 3))
    >>> students, twins = teachers + 0.5 * rng.normal(size=(8, 200, 3)), rng.normal(size=(8, 200, 3))
    >>> several = compare(teachers=teachers, students=students, twins=twins, task="classification")
    >>> several.results["agreement_top1"]["specific"].estimand
    'this recipe'
    """
    from kdprobe.compare.make import make

    options = {"layers": layers, "forward": forward, "spatial": spatial, "blocks": blocks, "target": target, "mask": mask}
    return make(teacher, student, data, task=task, twins=twins, siblings=siblings, teachers=teachers, students=students, **options)
