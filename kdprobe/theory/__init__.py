"""Closed-form results on distillation in regression, one file a theorem."""

from kdprobe.theory.nested_ols import NestedOls as NestedOls
from kdprobe.theory.nested_ols import nested_ols as nested_ols
from kdprobe.theory.nested_ols import simulate_nested_ols as simulate_nested_ols
