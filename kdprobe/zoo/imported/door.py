"""How models that were trained elsewhere come into a zoo."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from kdprobe.zoo.imported.add import add
from kdprobe.zoo.imported.make import make
from kdprobe.zoo.index import Index


class Door:
    """What `kdprobe.Zoo` has of this."""

    path: Path

    def __init__(self, path: str | Path):
        self.path = Path(path)

    @classmethod
    def create(
        cls, path: str | Path, target: Any, *, task: str, name: str = "own models", blocks: Any = None, classes: Sequence[Any] | None = None
    ) -> Self:
        """Make a zoo for models that were trained elsewhere; `add` takes them in, and `kdprobe.measure` measures them.

        Parameters
        ----------
        path
            A new folder.
        target
            (n,) classes or values, or (n, c) values, of held-out rows: 50 or more that no model was trained on. 40 % each become the probe
            halves A (similarity) and B (performance), 20 % the rows that temperatures are fitted on.
        task
            "classification" or "regression".
        name
            What pages call the data.
        blocks
            (n,) labels of rows that belong together, and stay in one part.
        classes
            All classes in the order of the models' outputs; by default those of the target, sorted.

        Raises
        ------
        PlanError
            If the folder holds a zoo or anything else.
        DataError
            If there are too few rows, or the target is none.

        Examples
        --------
        >>> import numpy as np, tempfile
        >>> rng = np.random.default_rng(0)
        >>> y = rng.normal(size=200)
        >>> from kdprobe import Zoo
        >>> with tempfile.TemporaryDirectory() as folder, Zoo.create(folder + "/mine", y, task="regression") as zoo:
        ...     for seed in range(3):
        ...         _ = zoo.add(y + 0.1 * rng.normal(size=200), role="teacher", seed=seed, size=900, family="forest")
        ...         _ = zoo.add(y + 0.5 * rng.normal(size=200), role="twin", seed=seed, size=30, family="mlp")
        ...         _ = zoo.add(y + 0.3 * rng.normal(size=200), role="student", seed=seed, size=30, family="mlp", alpha=0.5)
        ...     bool((zoo.gains()["gain"] > 0).all())
        True
        """
        make(Path(path), target, task=task, name=name, blocks=blocks, classes=classes)
        return cls(path)

    def add(
        self, model: Any, *, role: str, seed: int, size: int | None = None, width: int | None = None, family: str = "own", x: Any = None,
        layers: Any = None, teacher: str | None = None, twin: str | None = None, scheme: str = "same_rows", distiller: str | None = None,
        alpha: float | None = None, temperature: float | None = None, steps: int = 0,
    ) -> str:  # fmt: skip
        """Take in a model that was trained elsewhere: what it says of the rows is kept, never a pickle. Return its id.

        Parameters
        ----------
        model
            Its outputs on the rows of the target, (n, c) logits, probabilities or predictions; or a torch module or a function that gives
            them for x, alone, as ``.logits``, or as (outputs, {layer: features}).
        role
            "teacher"; "twin", the student's network without the teacher; or "student".
        seed
            The paired unit: a student, its twin and its teacher have the same. Eight or more allow a verdict.
        size
            Number of parameters; counted where `model` is a module.
        width, family
            What it is called, as in "resnet-50"; the width is the size where none is given. All of one name have one size.
        x
            (n, ...) rows for a model that is run, or a list of batches of these.
        layers
            Hidden layers that probes may read: names of submodules, or beside outputs {name: (n, ...)}. The last one is what is compared.
        teacher, twin
            Of a student: ids of its teacher and its twin, where there are several that fit.
        scheme, distiller, alpha, temperature, steps
            How a student was taught, as pages tell it: `kdprobe ls schemes`, `kdprobe ls distillers`. alpha, the weight of the teacher's
            loss, must be said; the temperature is 1 where none is given.

        Raises
        ------
        PlanError
            If the zoo is a sweep's, a name is unknown, the model is there already, or a student's teacher or twin is not.
        DataError
            If outputs have other rows or columns than the target, or are not finite.

        Notes
        -----
        Training rows are not known here, so nothing is said of them: what is a matter of the recipe (steps, rows) is the user's word.
        """
        index: Index = self._index  # pyright: ignore[reportAttributeAccessIssue] - of the zoo, found to be sound
        return add(
            self.path, index, model, role=role, seed=seed, size=size, width=width, family=family, x=x, layers=layers, teacher=teacher,
            twin=twin, scheme=scheme, distiller=distiller, alpha=alpha, temperature=temperature, steps=steps,
        )  # fmt: skip
