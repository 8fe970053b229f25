"""The engine of families whose output layer is fitted in closed form: ridge regression on the last hidden layer, many models at once."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import torch

from kdprobe.core.errors import PlanError
from kdprobe.core.trace import TaskKind
from kdprobe.training.fixed_features import last_hidden_layer
from kdprobe.training.job import Job
from kdprobe.training.problem import HISTORY, Problem, Trained, label_loss
from kdprobe.training.streams import initial_module
from kdprobe.training.teachers import Teachers

ENGINE = "closed form"
SCALE = 8.0
"""Least squares takes centred one-hot rows times this for logits. It changes no predicted class; it sets how sure a softmax of the outputs
is, which calibrated scores undo."""

Solver = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def fit_closed(jobs: Sequence[Job], problem: Problem) -> Trained:
    """Fit jobs of one stack key.

    A student's target is (1-alpha)·label + alpha·teacher: the minimum of the mixed squared loss. Students of one seed share their hidden
    layer, so it is computed and factored once for all their teachers. Where labels and teachers speak of rows `apart`, the squared errors
    of the labelled rows have the weight 1-alpha together and those of the others alpha, so it is factored once for each alpha.

    Raises
    ------
    PlanError
        If the distiller's loss is not the squared distance of the outputs.

    Notes
    -----
    Cost: for each seed one pass of the hidden layer over the n rows and, with k features, n·k·min(n, k) + min(n, k)³/3 multiply-adds in
    float64; for each job k² or n² times the outputs. The history has one entry: there are no steps to look back on.
    """
    if problem.taught and not problem.distiller.squared:
        raise PlanError(f"distiller {problem.distiller.name!r} has no closed form: its loss is not the squared distance of the outputs")
    labels = None if problem.y is None else label_targets(problem.kind, problem.y, problem.outputs)
    weights: list[torch.Tensor] = [torch.empty(0)] * len(jobs)
    biases, said = list(weights), list(weights)
    history = {name: torch.zeros(len(jobs), 1) for name in HISTORY}
    intercept = False
    seeds: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, job in enumerate(jobs):
        # where rows are apart, what is factored depends on their weights
        seeds[job.seed, job.draw, job.stream, job.options["ridge"], job.alpha if problem.apart else None].append(place)
    for places in seeds.values():
        first = jobs[places[0]]
        module = initial_module(first, problem.family, problem.input_shape, problem.network_outputs).to(problem.device).eval()
        features, held_out = last_hidden_layer(module, problem.x).double(), last_hidden_layer(module, problem.validation_x)
        intercept = "output.bias" in module.state_dict()
        weights_of_rows = _weights(problem, first.alpha) if problem.apart else None
        solve = ridge_solver(features, float(first.options["ridge"]), intercept=intercept, weights=weights_of_rows)
        for place in places:
            target = _target(problem, labels, jobs[place], problem.teacher_of[place])
            weight, bias = solve(target)
            errors = (features @ weight.mT + bias - target) ** 2
            history["loss"][place] = float((errors if weights_of_rows is None else weights_of_rows[:, None] * errors).mean())
            weight, bias = weight.to(held_out.dtype), bias.to(held_out.dtype)
            outputs = torch.nn.functional.linear(held_out, weight, bias if intercept else None)
            history["validation_loss"][place] = float(label_loss(problem.kind, outputs, problem.validation_y).mean())
            weights[place], biases[place], said[place] = weight.cpu(), bias.cpu(), outputs.cpu()
    return Trained(
        state={"output.weight": torch.stack(weights)} | ({"output.bias": torch.stack(biases)} if intercept else {}),
        history={**history, "entries": torch.ones(len(jobs), dtype=torch.int64), "step": torch.tensor([0])},
        engine=ENGINE,
        validation_outputs=torch.stack(said),
    )


def label_targets(kind: TaskKind, y: torch.Tensor, outputs: int) -> torch.Tensor:
    """What labels are to least squares (n, c), float64: values as they are, classes as centred one-hot rows."""
    if kind == "regression":
        return y.double()
    return SCALE * (torch.nn.functional.one_hot(y, outputs).double() - 1 / outputs)


def ridge_solver(features: torch.Tensor, penalty: float, *, intercept: bool, weights: torch.Tensor | None = None) -> Solver:
    """Return a function from targets (n, c) to the weights (c, k) and biases (c,) that minimise mean squared error + penalty·‖weights‖².

    Parameters
    ----------
    features
        (n, k) float64.
    penalty
        0 gives least squares, of all solutions that with the smallest norm.
    intercept
        Whether there is a bias, which is not penalised; else it is 0.
    weights
        (n,) of the rows, with mean 1; all alike by default.
    """
    n, k = features.shape
    # a row of weight w is a row times the root of w; the mean is the weighted one
    roots = None if weights is None else weights.sqrt()[:, None]

    def centre(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if not intercept:
            level = rows.new_zeros(rows.shape[1])
        else:
            level = rows.mean(dim=0) if weights is None else (weights[:, None] * rows).mean(dim=0)
        return level, rows - level if roots is None else roots * (rows - level)

    mean, centred = centre(features)
    inverse = _inverse(centred.mT @ centred / n if k <= n else centred @ centred.mT / n, penalty)

    def solve(targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        level, apart = centre(targets)
        weight = inverse(centred.mT @ apart / n) if k <= n else centred.mT @ inverse(apart / n)
        return weight.mT, level - mean @ weight

    return solve


def _inverse(gram: torch.Tensor, penalty: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """(gram + penalty·I)^-1 as a function; without a penalty the pseudo-inverse."""
    if penalty > 0:
        factor = torch.linalg.cholesky(gram + penalty * torch.eye(len(gram), dtype=gram.dtype, device=gram.device))
        return lambda right: torch.cholesky_solve(right, factor)
    values, vectors = torch.linalg.eigh(gram)
    # what rounding leaves of a direction that is not there
    real = values > len(gram) * torch.finfo(gram.dtype).eps * values.max()
    inverse = torch.where(real, 1 / torch.where(real, values, 1.0), 0.0)
    return lambda right: vectors @ (inverse[:, None] * (vectors.mT @ right))


def _target(problem: Problem, labels: torch.Tensor | None, job: Job, teacher: int) -> torch.Tensor:
    if not problem.taught or problem.teachers is None:
        assert labels is not None, "rows without labels need a teacher"
        return labels
    assert isinstance(problem.teachers, Teachers), "what is fitted at once cannot learn together with anything"
    said = problem.teachers.outputs[teacher].double()
    if problem.apart and labels is not None:
        return torch.cat([labels, said[problem.apart :]])
    return said if labels is None else (1 - job.alpha) * labels + job.alpha * said


def _weights(problem: Problem, alpha: float) -> torch.Tensor:
    """Weight of each row (n,), mean 1, where labelled rows and those that a teacher speaks of are apart."""
    n, labelled = len(problem.x), problem.apart
    weights = torch.empty(n, dtype=torch.float64, device=problem.device)
    weights[:labelled], weights[labelled:] = (1 - alpha) * n / labelled, alpha * n / (n - labelled)
    return weights
