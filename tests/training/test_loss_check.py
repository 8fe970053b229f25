"""A distiller whose loss cannot teach is refused before anything is trained, by every engine; the registered ones teach."""

from dataclasses import replace

import msgspec
import pytest
import torch

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import ClosedForm
from kdprobe.core.registry import available
from kdprobe.training.cohort import train_together
from kdprobe.training.engines import train
from kdprobe.training.loss_check import check_losses
from tests.training.problems import HINT, jobs, problem

DISTILLERS = available("distillers")
L2 = DISTILLERS["l2_imitation"]
ENGINES = ("auto", "stack", "loop", "chain of 4", "stack of 4")


def squared(student, teacher):
    return ((student.outputs - teacher.outputs) ** 2).sum(dim=-1)


BROKEN = {
    "detached": (lambda s, t: squared(s, t).detach(), "no gradient of its loss reaches the student: return what is computed from"),
    "of the teacher alone": (lambda s, t: squared(t, t), "no gradient of its loss reaches the student"),
    "scalar": (lambda s, t: squared(s, t).mean(), r"gives shape \(\) for 32 rows: return a tensor of shape \(32,\), one value a row"),
    "a column": (lambda s, t: squared(s, t)[:, None], r"gives shape \(32, 1\) for 32 rows: return"),
    "a number": (lambda s, t: squared(s, t).mean().item(), r"gives a float for 32 rows: return"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", BROKEN)
def test_a_loss_that_cannot_teach_is_refused(case, engine):
    loss, text = BROKEN[case]
    broken = replace(L2, name="broken", loss=loss, closed=None)
    found = problem(broken, "regression", [0, 1])
    with pytest.raises(ContractError, match=f"distiller 'broken': .*{text}"):
        train(jobs(2, broken), found, engine)


def test_families_that_are_fitted_at_once_refuse_it_too():
    broken = replace(L2, name="broken", loss=BROKEN["detached"][0])
    found = problem(broken, "regression", [0, 1], family="random_features")
    with pytest.raises(ContractError, match="distiller 'broken': no gradient"):
        train(jobs(2, broken, family="random_features"), found)


@pytest.mark.parametrize("engine", ["auto", "loop", "stack of 4"])
@pytest.mark.parametrize("case", BROKEN)
def test_cohorts_refuse_it_too(case, engine):
    loss, text = BROKEN[case]
    broken = replace(L2, name="broken", loss=loss, closed=None)
    groups = [[msgspec.structs.replace(job, role=role, peers=("other",)) for job in jobs(2, broken)] for role in ("student", "peer")]
    with pytest.raises(ContractError, match=f"distiller 'broken': .*{text}"):
        train_together(groups, [problem(broken, "regression", [0, 0])] * 2, engine)


def test_a_loss_that_trains_its_auxiliary_module_alone_is_refused():
    def loss(student, teacher, *, scale):
        return scale * student.auxiliary(student.features["hidden"].detach()).square().mean(-1)

    broken = replace(HINT, name="broken", loss=loss)
    with pytest.raises(ContractError, match="distiller 'broken': no gradient of its loss reaches the student"):
        train(jobs(2, broken), problem(broken, "regression", [0, 1]), "loop")


@pytest.mark.parametrize(
    "slope",
    [
        lambda outputs, targets: (((outputs - targets["y"]) ** 2).mean(), outputs - targets["y"]),
        lambda outputs, targets: (((outputs - targets["y"]) ** 2).mean(-1, keepdim=True), (outputs - targets["y"])[..., :1]),
    ],
)
def test_a_closed_form_of_another_shape_is_refused(slope):
    broken = replace(L2, name="broken", closed=ClosedForm(slope=slope, fixed=lambda outputs: {"y": outputs}))
    with pytest.raises(ContractError, match=r"distiller 'broken': its closed form gives .* return \(32, 1\) and \(32, 2\)"):
        train(jobs(2, broken), problem(broken, "regression", [0, 1]), "stack")


def test_what_is_checked_changes_no_stream():
    before = torch.get_rng_state()
    check_losses(jobs(2, HINT), problem(HINT, "regression", [0, 1]))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", [name for name, distiller in DISTILLERS.items() if distiller.loss is not None])
def test_the_registered_ones_teach(name):
    distiller = DISTILLERS[name]
    for kind in distiller.tasks:
        found = problem(distiller, kind, [0, 1], family="cnn")
        if not distiller.refuses or not distiller.refuses(found.shapes(jobs(1, distiller, family="cnn")[0])):
            check_losses(jobs(2, distiller, family="cnn"), found)


def test_rows_without_labels_and_one_row():
    check_losses(jobs(2, HINT), problem(HINT, "regression", [0, 1], labelled=False))
    check_losses(jobs(2, L2, batch_size=1), problem(L2, "regression", [0, 1]))
