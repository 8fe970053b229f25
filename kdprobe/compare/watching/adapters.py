"""What other libraries call while they train. Neither is a dependency: each is imported when its adapter is asked for."""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

from kdprobe.core.errors import PlanError

LIGHTNING = ("lightning.pytorch", "pytorch_lightning")
"""Two names of one library. A callback of one is none to a trainer of the other."""


class Logs(Protocol):
    """What an adapter needs of a watch."""

    def due(self, step: int) -> bool:
        """Whether to log."""
        ...

    def log(self, step: int) -> dict[str, float]:
        """Log."""
        ...

    @property
    def last(self) -> int | None:
        """The step that was logged last."""
        ...


def trainer_callback(watch: Logs) -> Any:
    """Return a ``transformers.TrainerCallback``."""
    transformers = _imported("transformers", ("transformers",), "trainer_callback() is for a Trainer of transformers")

    def begun(state: Any) -> None:
        if state.is_world_process_zero and watch.due(state.global_step):
            watch.log(state.global_step)

    def ended(state: Any) -> None:
        if state.is_world_process_zero and watch.last != state.global_step:
            watch.log(state.global_step)

    class WatchCallback(transformers.TrainerCallback):
        """Logs before the first step, after each that is due, and after the last."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            begun(state)

        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            begun(state)

        def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            ended(state)

    return WatchCallback()


def lightning_callback(watch: Logs) -> Any:
    """Return a ``lightning.pytorch.Callback``, which also gives each log to the trainer's own loggers."""
    loaded = [name for name in LIGHTNING if name in sys.modules]
    lightning = _imported("lightning", (*loaded, *LIGHTNING), "lightning_callback() is for a Trainer of Lightning")

    def logged(trainer: Any, wanted: Callable[[int], bool]) -> None:
        step = trainer.global_step
        # batches whose gradients are added up share a step
        if trainer.is_global_zero and watch.last != step and wanted(step):
            numbers = watch.log(step)
            for logger in trainer.loggers:
                logger.log_metrics(numbers, step=step)

    class WatchCallback(lightning.Callback):
        """Logs before the first step, after each that is due, and after the last."""

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            logged(trainer, watch.due)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            logged(trainer, watch.due)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            logged(trainer, lambda step: True)

    return WatchCallback()


def _imported(library: str, names: tuple[str, ...], what: str) -> ModuleType:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError as error:
            # what is installed and broken says so itself
            if (error.name or "").split(".")[0] != name.split(".")[0]:
                raise
    raise PlanError(f"{what}, and {library} is not installed: pip install {library}, or log in a loop of your own with .loop() or .log()")
