"""Maps of layers as figures."""

import math

from kdprobe.compare.layer_map import LayerMap
from kdprobe.compare.show_map import full_shade, shade, shown, tip, told
from kdprobe.core.result import Refusal, Result
from kdprobe.core.section import Figure
from kdprobe.core.words import listed
from kdprobe.report.theme.heat import heat


def figures(layers: LayerMap, *, prefix: str, caption: str = "") -> tuple[Figure, ...]:
    """Return student and teacher, twins and teacher, and their difference, as far as the map has them.

    Parameters
    ----------
    prefix
        Of the ids in the SVGs.
    caption
        Stands before the title of each grid.
    """
    return tuple(
        Figure(
            svg=heat(
                [[_shaded(cell, full_shade(layers, grid)) for cell in line] for line in grid],
                rows=layers.teacher,
                columns=layers.student,
                prefix=f"{prefix}{i}",
                title=f"{caption}CKA of layers: {title}",
                description=f"Lines are the teacher's layers, columns the student's: {listed(layers.teacher)} by {listed(layers.student)}.",
            ),
            caption=f"{caption}{title}",
        )
        for i, (title, grid) in enumerate(shown(layers))
    )


def _shaded(cell: Result, scale: float) -> tuple[str, float, str]:
    return told(cell), 0.0 if isinstance(cell, Refusal) else math.copysign(shade(cell, scale), cell.value), tip(cell)
