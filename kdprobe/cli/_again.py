"""The command of ``kdprobe probe`` that would change its answer, ready to copy."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdprobe.compare.compared import Call, Compared


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """Writes the next call of a comparison as the command that was given, with what is missing under names that are free.

    Parameters
    ----------
    teacher, student, target, twins, siblings
        The files of the command.
    task
        "classification" or "regression".
    """

    teacher: Path
    student: Path
    task: str
    target: Path | None = None
    twins: tuple[Path, ...] = ()
    siblings: tuple[Path, ...] = ()

    def __call__(self, comparison: "Compared", call: "Call") -> str:
        if call.seeds:
            # one file is one network: losses of several seeds are read from a table of runs
            return "kdprobe gap --template > runs.csv"

        def at(path: Path) -> Path:
            # other rows have files of their own, in a folder beside
            return path.parent / "more_rows" / path.name if call.data == "rows" else path

        given = [self.teacher, self.student, *self.twins, *self.siblings, *([self.target] if self.target else [])]
        target = self.target or (self.teacher.with_name("targets.npy") if call.data == "targets" else None)
        words: list[str | Path] = ["kdprobe", "probe", at(self.teacher), at(self.student), "--task", self.task]
        words += ["--target", at(target)] if target else []
        for flag, files, more in (("twin", self.twins, call.twins), ("sibling", self.siblings, call.siblings)):
            files = [*map(at, files), *_names(flag, more, given)]
            words += [f"--{flag}s", *files] if files else []
        return shlex.join(map(str, words))


def _names(flag: str, count: int, given: Sequence[Path]) -> Iterator[Path]:
    folder = given[0].parent
    number = 0
    while count:
        number += 1
        path = folder / f"{flag}_{number}.npy"
        if path not in given and not path.exists():
            count -= 1
            yield path
