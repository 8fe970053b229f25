"""`kdprobe.watch`: agreement, gain, likeness of layers and calibration of a student while it learns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kdprobe.compare.asked import MULTILABEL, Asked, kind_of, layers_by_role
from kdprobe.compare.data import is_array, shuffles
from kdprobe.compare.several import numbered, several
from kdprobe.compare.watching.as_found import as_found
from kdprobe.compare.watching.cast import STUDENT, TEACHER, Watched, check_models
from kdprobe.compare.watching.history import Watch
from kdprobe.compare.watching.kept import kept_rows
from kdprobe.core.arguments import number, whole
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.task import Task


def watch(
    teacher: Any,
    student: Any,
    rows: Any,
    *,
    task: str | Task,
    twins: Sequence[Any] = (),
    most: int = 512,
    every: int | None = None,
    share: float = 0.03,
    to: Callable[[dict[str, float], int], Any] | None = None,
    layers: str | Mapping[str, str] | None = None,
    forward: Callable[[Any, Any], Any] | None = None,
    target: int | str | Callable[[Any], Any] | None = None,
) -> Watch:
    """Follow a student while it learns: what it has in common with its teacher, step by step, beside its twins.

    Models are run on the same few rows in evaluation mode and without gradients, and are left as they were found: the training flag of
    each module, gradients, hooks; and so are the random generators of Python, NumPy and torch. A training that is watched gives the same
    weights as one that is not.

    Parameters
    ----------
    teacher, student
        As `kdprobe.compare` takes them, the student a model that learns: a torch module, or a function of x.
    rows
        Rows that no model is trained on, as `kdprobe.compare` takes data: (x, y), a data set, or a loader.
    task
        "classification" or "regression", or a task out of ``kdprobe.available("tasks")``.
    twins
        The student's network trained without the teacher. Trained to the end before, they say what would have been reached without it;
        trained beside the student, step by step, what it is ahead by at each step: a twin whose weights have moved is read again. Without
        twins it is not known how much of a likeness an untaught network has as well.
    most
        So many rows are watched. Of arrays and data sets they are drawn at random, the same ones each time; of a loader the first batches
        that make up so many.
    every
        `due` is true at each so many steps. None: as often as `share` allows.
    share
        Of the time of the training, this much may be spent on logs that `due` asks for. The first log is made at once and counts, the last
        is made in any case: of a training of few seconds these two alone can be more.
    to
        ``to(numbers, step)`` is called with what each log gives: any logger, by its own function.
    layers
        The hidden layer that is read, or {"teacher": ..., "student": ...} where names differ. None: the input of the output layer.
    forward, target
        As in `kdprobe.compare`.

    Returns
    -------
    Watch
        ``.log(step)``, ``.due(step)``, ``.loop(batches)``, ``.trainer_callback()``, ``.lightning_callback()``, ``.to_frame()``,
        ``.plot()``.

    Raises
    ------
    PlanError
        If an argument is none of the above, or the student is its own twin or teacher.
    DataError
        If models and rows do not fit each other.

    Notes
    -----
    A log costs one forward pass of the student over the rows (of teacher and twins none, but where their weights have moved) and the
    probes: some hundredths of a second for 512 rows, ten classes and three twins. All models are read once at the start, so that what does
    not fit is told before the training begins.

    Intervals are over rows, each of one step: "95 %" does not hold of the best step of many. Where a step is chosen by these curves,
    compare it on other rows (`kdprobe.compare`, which also takes sibling teachers: nothing here is called transferred).

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(300, 4)
    >>> teacher, student, twin = (torch.nn.Linear(4, 3) for _ in range(3))
    >>> watching = watch(teacher, student, (x, teacher(x).argmax(dim=1)), task="classification", twins=[twin])
    >>> optimiser = torch.optim.SGD(student.parameters(), lr=1.0)
    >>> for step in range(20):
    ...     if step % 10 == 0:
    ...         numbers = watching.log(step)
    ...     optimiser.zero_grad()
    ...     torch.nn.functional.mse_loss(student(x), teacher(x).detach()).backward()
    ...     optimiser.step()
    >>> round(watching.log(20)["kdprobe/agreement_top1/student"], 1)
    1.0
    >>> watching.to_frame().query("probe == 'agreement_top1' and comparison == 'own'")["step"].tolist()
    [0, 10, 20]
    """
    kind = kind_of(task)
    if task == MULTILABEL:
        raise PlanError("task='multilabel' is not watched: compare students that were kept on the way with kdprobe.compare")
    if to is not None and not callable(to):
        raise PlanError(f"to is a {type(to).__name__}: give a function to(numbers, step), such as your logger's own")
    if forward is not None and not callable(forward):
        raise PlanError(f"forward is a {type(forward).__name__}: give a function forward(model, batch) -> outputs")
    count = whole("most", most, least=2, advice="give a whole number of rows, 2 or more; some hundreds make intervals that say something")
    often = None if every is None else whole("every", every, least=1, advice="give a whole number of steps from 1 on, or None")
    spend = number("share", share, above=0, most=1, advice="give a share of the training's time, above 0 and at most 1, such as 0.03")
    if is_array(student):
        raise PlanError("student is an array of outputs, which cannot learn: give the torch module, or a function of x")
    untaught = several(twins, "twins")
    check_models(teacher, student, untaught)
    named = {TEACHER: teacher, STUDENT: student} | dict(zip(numbered("twin", len(untaught)), untaught, strict=True))
    stored = [name for name, model in named.items() if is_array(model)]
    if stored and shuffles(rows):
        raise PlanError(f"{stored[0]} is an array of outputs and the loader shuffles: rows cannot be paired, use shuffle=False")
    with as_found():
        kept = kept_rows(rows, count)
        for name in stored:
            if kept.of is not None and len(named[name]) != kept.of:
                raise DataError(f"{name} has {len(named[name])} rows, the data {kept.of}: rows must be paired")
            named[name] = named[name][kept.rows]
        asked = Asked(
            kind, task.name if isinstance(task, Task) else task, layers_by_role(layers), forward, "gap", kept.data, None, target, None
        )
        return Watch(Watched(asked, named), kind, every=often, share=spend, to=to)
