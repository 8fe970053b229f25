"""Measures what a student network really learned from its teacher."""

import os

import lazy_loader

# Without it the last bits of a matrix product depend on where in memory a matrix starts, and so a model's weights on its place in a
# stack. It costs nothing measurable. MKL reads it at its first call: a program that multiplies matrices in torch before it imports kdprobe
# keeps the other mode, and its zoos differ in last bits from those of other programs.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

# these three share their names with the rooms they live in: importing a room later would put the module in the function's place, so the
# rooms are imported first; they import nothing heavy themselves
from kdprobe.compare import compare as compare
from kdprobe.report import report as report
from kdprobe.sweep import sweep as sweep

__version__ = "0.1.0"

# everything else is imported on first use, from where the stub beside this file says: `import kdprobe` needs neither torch nor pandas
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
