"""Ids do not depend on the process, the hash seed or the order of keys."""

import subprocess
import sys

import pytest

from kdprobe.core.identity import canonical, content_id, derived_seed
from kdprobe.training.job import Job

JOB = {"task": "t", "data": "d", "draw": 0, "family": "mlp", "width": 3, "role": "twin", "seed": 0}
SETTINGS = {"steps": 10, "batch_size": 4, "learning_rate": 0.1, "weight_decay": 0.0}
CODE = f"""
from kdprobe.core.identity import derived_seed
from kdprobe.training.job import Job
print(Job(**{JOB!r}, **{SETTINGS!r}, parameters={{"b": 1.0, "a": 2.0}}).id, derived_seed(1, "student", "init"))
"""


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_ids_are_the_same_in_every_process(hash_seed):
    out = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": hash_seed}).stdout
    assert out.split() == [Job(**JOB, **SETTINGS, parameters={"a": 2.0, "b": 1.0}).id, str(derived_seed(1, "student", "init"))]


@pytest.mark.parametrize("field", ["task", "data", "draw", "family", "width", "role", "seed", "steps", "batch_size", "learning_rate"])
def test_everything_that_determines_a_model_changes_its_id(field):
    before = Job(**JOB, **SETTINGS)
    value = getattr(before, field)
    changed = "student" if field == "role" else value + ("x" if isinstance(value, str) else 1)
    assert Job(**{**JOB, **SETTINGS, field: changed}).id != before.id


def test_nan_has_no_id():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"alpha": float("nan")})


def test_key_order_does_not_matter():
    assert content_id({"a": 1, "b": 2}) == content_id({"b": 2, "a": 1})
