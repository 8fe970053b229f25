"""How settings are spelt on the command line and in a file of settings: whole numbers, and lists with commas or spaces."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from kdprobe.core.errors import PlanError


def _whole_number(spelt: str, text: str) -> int:
    try:
        # no way round by float: it would cut digits, and cyclopts' own way rounds 4.5 to 4
        return int(text.removesuffix(".0"))
    except ValueError:
        raise PlanError(f"{spelt}{text}: give a whole number") from None


def _given_as(token: Any) -> str:
    """How a value was given: --seeds, or of a file of settings, where the keyword is [seeds], seeds=."""
    return f"{token.keyword[1:-1]}=" if token.keyword.startswith("[") else f"{token.keyword} "


def _convert_whole(_: Any, tokens: Sequence[Any]) -> int:
    return _whole_number(_given_as(tokens[0]), tokens[0].value)


Whole = Annotated[int, Parameter(converter=_convert_whole)]
"""A whole number, read from the command line without rounding."""


def parts_of(tokens: Sequence[Any]) -> list[tuple[str, str]]:
    """Each value of a list with how it was given; commas separate values as spaces do. Nothing but these is a value, and a wrong one."""
    return [
        (_given_as(token), part)
        for token in tokens
        for part in [part.strip() for part in token.value.split(",") if part.strip()] or [token.value]
    ]


def _listed(
    convert: Callable[[str, str], Any],
    flags: Sequence[str],
    metavar: str,
    unset: str,
    parts: Callable[[Sequence[Any]], list[tuple[str, str]]] = parts_of,
) -> Parameter:
    def converted(_: Any, tokens: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(convert(spelt, text) for spelt, text in parts(tokens))

    return Parameter(
        name=[f"--{flag}" for flag in flags],
        converter=converted,
        consume_multiple=True,
        n_tokens=-1,
        negative=(),
        metavar=metavar,
        show_default=lambda values: ",".join(map(str, values)) or unset,
    )


def words(*flags: str, unset: str = "by task") -> Parameter:
    """How a list of names is spelt: --task letters,bikeshare or --task letters bikeshare.

    Parameters
    ----------
    unset
        What the help says where the default is empty.
    """
    return _listed(lambda _, text: text, flags, "NAME...", unset)


def files(*flags: str) -> Parameter:
    """How a list of files is spelt: --twin a.npy,b.npy or --twin a.npy b.npy. A file whose own name has a comma is one."""
    return _listed(lambda _, text: Path(text), flags, "FILE...", "none", parts=_files_of)


def _files_of(tokens: Sequence[Any]) -> list[tuple[str, str]]:
    return [part for token in tokens for part in ([(_given_as(token), token.value)] if Path(token.value).exists() else parts_of([token]))]


def axis_names(*flags: str) -> Parameter:
    """How a list of axes is spelt: as their flags are, with dashes, or as their fields are."""
    return _listed(lambda _, text: text.replace("-", "_"), flags, "NAME...", "none")


def counts(*flags: str, unset: str = "by family") -> Parameter:
    """How a list of whole numbers is spelt: --teacher-widths 8,32,128 or --teacher-widths 8 32 128."""
    return _listed(_whole_number, flags, "NUMBER...", unset)


def _number(spelt: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise PlanError(f"{spelt}{text}: give a number, or several as in 1,2,4") from None


def numbers(*flags: str) -> Parameter:
    """How a list of numbers is spelt: --alpha 0.3,0.7 or --alpha 0.3 0.7."""
    return _listed(_number, flags, "NUMBER...", "none")


def axis_values(flag: str, normalised: Callable[[Any], Any], help: str) -> Parameter:
    """How an axis is spelt: one number, or a list of them.

    Parameters
    ----------
    normalised
        Numbers -> what a plan keeps of them; raises PlanError.
    """

    def converted(_: Any, tokens: Sequence[Any]) -> Any:
        return normalised([_number(spelt, text) for spelt, text in parts_of(tokens)])

    return Parameter(
        name=f"--{flag}",
        converter=converted,
        consume_multiple=True,
        n_tokens=-1,
        negative=(),
        metavar="NUMBER...",
        help=help,
        group=AXES_GROUP,
        show_default=lambda value: "by task" if value is None else str(value),
    )


AXES_GROUP = "Axes: one value, or several, each combination with a verdict of its own"

BY_NAME = Parameter(show_default=lambda values: " ".join(f"{name} {value}" for name, value in values.items()) or "the family's own")
"""How options of a family are spelt: --options.depth 2 --options.norm layer.

Their type has float first, because the first one that fits is taken, and 0.5 would be made the int 0; the family says which are whole.
"""


def _convert_beside(_: Any, tokens: Mapping[str, Sequence[Any]] | Sequence[Any]) -> dict[str, tuple[float, ...]]:
    if isinstance(tokens, Mapping):
        return {name: tuple(_number(spelt, text) for spelt, text in parts_of(found)) for name, found in tokens.items()}
    said = " ".join(token.value for token in tokens)
    if said != "none":
        raise PlanError(f"beside={said}: name an axis after a dot, as in --beside.temperature 1,2,4, or give none")
    return {}


BESIDE = Parameter(
    name="--beside",
    converter=_convert_beside,
    consume_multiple=True,
    n_tokens=-1,
    negative=(),
    metavar="none",
    show_default=lambda axes: " ".join(f"{name} {','.join(f'{value:g}' for value in values)}" for name, values in axes.items()) or "none",
)
"""How values of axes beside a plan's own are spelt: --beside.temperature 1,2,4 --beside.train-rows 300, or --beside none."""
