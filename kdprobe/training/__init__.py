"""Training: engines that execute the stages of a scheme."""

import os

# Without it, last bits of a matrix product depend on where in memory a matrix starts, and so a model's weights on its place in a stack.
# Costs nothing measurable. MKL reads it at its first call: a process that multiplied matrices in torch before keeps the other mode.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
