"""Random streams: what is shared between a student and its twin, and what is not."""

import numpy as np
import torch

from kdprobe.core.registry import available, find
from kdprobe.training.streams import batch_order, initial_module
from tests.training.problems import jobs

TWIN, KD = available("distillers")["none"], available("distillers")["kd"]


def _start(job):
    return initial_module(job, find("families", "mlp"), (6,), 5).state_dict()["hidden.weight"]


def test_student_and_paired_twin_share_initialisation_and_order():
    (student,), (twin,) = jobs(1, KD), jobs(1, TWIN)
    assert torch.equal(_start(student), _start(twin))
    assert np.array_equal(batch_order(student, 100), batch_order(twin, 100))


def test_a_teacher_of_equal_width_and_seed_shares_neither():
    (twin,), (teacher,) = jobs(1, TWIN), jobs(1, TWIN, role="teacher")
    assert not torch.equal(_start(twin), _start(teacher))
    assert not np.array_equal(batch_order(twin, 100), batch_order(teacher, 100))


def test_seeds_and_draws_have_streams_of_their_own():
    first, second = jobs(2, TWIN)
    (other_draw,) = jobs(1, TWIN, draw=1)
    assert not torch.equal(_start(first), _start(second))
    assert not torch.equal(_start(first), _start(other_draw))
    assert not np.array_equal(batch_order(first, 100), batch_order(second, 100))


def test_initialisation_does_not_touch_the_global_generator():
    (job,) = jobs(1, TWIN)
    before = torch.get_rng_state()
    _start(job)
    assert torch.equal(before, torch.get_rng_state())


def test_every_pass_sees_every_row_once():
    (job,) = jobs(1, TWIN, steps=15, batch_size=20)
    order = batch_order(job, 100).ravel()
    for start in range(0, 300, 100):
        assert sorted(order[start : start + 100]) == list(range(100))


def test_a_batch_is_never_larger_than_the_rows():
    (job,) = jobs(1, TWIN, steps=3, batch_size=64)
    assert batch_order(job, 10).shape == (3, 10)
