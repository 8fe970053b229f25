"""Sweeps: from a plan to a zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from kdprobe.sweep.plan import Plan
    from kdprobe.zoo import Zoo


def sweep(
    plan: Plan,
    out: str | Path,
    *,
    jobs: int = 0,
    scheduler: str | None = None,
    probes: tuple[str, ...] = (),
    progress: bool = False,
    engine: str = "auto",
    device: str = "cpu",
    similarity: bool = True,
    unit_timeout: float | None = None,
) -> Zoo:
    """Train and measure everything in a plan. Running it again resumes: finished cells are not repeated.

    Parameters
    ----------
    plan
        What to train, such as ``GapPlan(tasks=("letters",))`` or ``KnowledgePlan()``.
    out
        Folder of the zoo; made if it is not there.
    jobs
        Worker processes. 0 trains in this process, so that a script needs no ``if __name__ == "__main__"`` guard. A distiller or probe
        that calls ``os._exit``, hangs or eats all memory costs only its own cells where there are workers; in this process it ends the
        sweep. Nobody else on the machine can reach the workers: they talk under TLS with a certificate made for the run.
    scheduler
        Address of your own Dask scheduler, whose workers share the folder. Whoever reaches a scheduler can run code on its workers: start
        it with TLS (``distributed.comm.tls`` in Dask's configuration, which kdprobe reads too) and give its "tls://" address, or keep it
        on a network of people you trust.
    probes
        Costly probes to run beside the cheap ones, by name.
    progress
        Show progress on standard error.
    engine
        "stack" trains many models at once, "loop" one at a time, "auto" whichever is faster for each network. They round differently in
        the last bits, which hundreds of steps of a convolutional network can amplify to hundredths of a nat in a single model;
        ``models()["engine"]`` says which one trained a model, and a resumed sweep keeps to it.
    device
        Where to train: "cpu", "cuda", or one GPU of several such as "cuda:1". It changes no model's id, and last bits of its weights.
    similarity
        Whether to measure how alike students and teachers are. Without it only scores and gains are measured, in a fraction of the time
        where there are many settings; running again with it adds the rest.
    unit_timeout
        Seconds after which a unit of work (some dozens of models, or the probes of their students) is ended with its worker. Its models are
        tried again in halves, so that one that hangs costs no other; it ends as a failed cell. None allows 10 minutes and 30 times what
        it should take. Needs workers.

    Returns
    -------
    Zoo
        Its tables are tidy pandas frames. Cells that failed are in ``provenance()["failed_cells"]``.

    Raises
    ------
    PlanError
        If a probe, the engine or the device is unknown, a distiller is undefined on these networks, the folder holds results of another
        plan, or another process is writing to it.
    DataError
        If a task's data is missing or damaged, or the folder cannot be written.

    Notes
    -----
    Cost: about 0.2 ms for each model and step at a width of 32 (one core, batches of 64), and a few milliseconds a student, teacher and
    probe.

    Examples
    --------
    >>> import kdprobe, tempfile
    >>> plan = kdprobe.GapPlan(
    ...     tasks=("letters",), schemes=("same_rows",), teacher_widths=(4, 8), student_widths=(2,), seeds=3, steps=20, beside={},
    ... )
    >>> with tempfile.TemporaryDirectory() as folder, kdprobe.sweep(plan, folder) as zoo:
    ...     print(zoo.models().groupby("role").size().to_dict())
    {'student': 6, 'teacher': 6, 'twin': 3}
    """
    from kdprobe.sweep.run import run

    return run(
        plan, out, jobs=jobs, scheduler=scheduler, probes=probes, progress=progress, engine=engine, device=device, similarity=similarity,
        unit_timeout=unit_timeout,
    )  # fmt: skip
