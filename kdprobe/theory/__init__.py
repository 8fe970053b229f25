"""Closed-form results on distillation in regression, one file a theorem, and what they say of somebody's own data."""

import lazy_loader  # pyright: ignore[reportMissingTypeStubs]

# a function with its file's name: imported first, or the file would later take the function's place; it needs numpy only
from kdprobe.theory.nested_ols import nested_ols as nested_ols

# everything else on first use, from where the stub beside this file says: plans need the law, and do without scipy
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # pyright: ignore[reportUnknownVariableType]
