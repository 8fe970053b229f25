"""equinox `filter_vmap` over all students, compiled by XLA: an epoch is one scan. Soft targets are made once; every student has batches of
its own. Compiling is not timed: the benchmark warms every trainer up.
"""

import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
if hasattr(os, "sched_setaffinity"):
    # one core, so that XLA's pool has one thread
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from _work import Predict, Trainer, Work, serve


class Perceptron(eqx.Module):
    """Linear, ReLU, linear."""

    hidden: eqx.nn.Linear
    output: eqx.nn.Linear

    def __init__(self, inputs: int, width: int, classes: int, key: Any):
        first, second = jax.random.split(key)
        self.hidden, self.output = eqx.nn.Linear(inputs, width, key=first), eqx.nn.Linear(width, classes, key=second)

    def __call__(self, x: Any) -> Any:
        return self.output(jax.nn.relu(self.hidden(x.ravel())))


class Convolutional(eqx.Module):
    """Three convolutions that halve the image, ReLU after each; mean over places, linear."""

    convolutions: list[eqx.nn.Conv2d]
    output: eqx.nn.Linear

    def __init__(self, channels: int, width: int, classes: int, key: Any):
        *keys, last = jax.random.split(key, 4)
        sizes = [channels, width, 2 * width, 4 * width]
        pairs = zip(sizes, sizes[1:], keys, strict=False)
        self.convolutions = [eqx.nn.Conv2d(a, b, 3, stride=2, padding=1, key=own) for a, b, own in pairs]
        self.output = eqx.nn.Linear(sizes[-1], classes, key=last)

    def __call__(self, x: Any) -> Any:
        for layer in self.convolutions:
            x = jax.nn.relu(layer(x))
        return self.output(x.mean(axis=(-2, -1)))


def prepare(work: Work) -> Trainer:
    x, y = jnp.asarray(work.arrays["x"]), jnp.asarray(work.arrays["y"])
    validation_x, validation_y = jnp.asarray(work.arrays["validation_x"]), jnp.asarray(work.arrays["validation_y"])
    temperature, batches = work.temperature, len(x) // work.batch
    optimiser = optax.adamw(optax.cosine_decay_schedule(work.rate, work.steps), weight_decay=work.decay)
    kind, first = (Perceptron, int(np.prod(x.shape[1:]))) if work.family == "mlp" else (Convolutional, x.shape[1])

    def loss(student: Any, x: Any, y: Any, soft: Any) -> Any:
        logits = jax.vmap(student)(x)
        of_teacher = (soft * (jnp.log(soft) - jax.nn.log_softmax(logits / temperature))).sum(axis=-1).mean()
        of_labels = optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()
        return (1 - work.alpha) * of_labels + work.alpha * temperature**2 * of_teacher

    @eqx.filter_jit
    def epoch(students: Any, state: Any, soft: Any, teacher: Any, order: Any) -> tuple[Any, Any, Any]:
        """order (batches, students, rows)."""

        def step(carry: Any, rows: Any) -> tuple[Any, None]:
            students, state = carry
            said = soft[teacher[:, None], rows]
            gradient = eqx.filter_vmap(eqx.filter_grad(loss))(students, x[rows], y[rows], said)
            changes, state = optimiser.update(gradient, state, students)
            return (eqx.apply_updates(students, changes), state), None

        (students, state), _ = jax.lax.scan(step, (students, state), order)
        validation = eqx.filter_vmap(
            lambda student: optax.softmax_cross_entropy_with_integer_labels(jax.vmap(student)(validation_x), validation_y).mean()
        )
        return students, state, validation(students)

    @eqx.filter_jit
    def predict(students: Any) -> Any:
        return eqx.filter_vmap(lambda student: jax.vmap(student)(jnp.asarray(work.arrays["test_x"])))(students)

    def run(seeds: Sequence[int]) -> Predict:
        soft = jax.nn.softmax(jnp.asarray(work.arrays["logits"]) / temperature)
        keys = jnp.stack([jax.random.key(seed) for seed in seeds])
        students = eqx.filter_vmap(lambda key: kind(first, work.width, work.classes, key))(keys)
        state = optimiser.init(eqx.filter(students, eqx.is_array))
        teacher = jnp.asarray([seed % work.teachers for seed in seeds])
        generators = [np.random.default_rng(seed) for seed in seeds]
        for _ in range(work.epochs):
            order = np.stack([rng.permutation(len(x))[: batches * work.batch].reshape(batches, -1) for rng in generators], axis=1)
            students, state, losses = epoch(students, state, soft, teacher, jnp.asarray(order))
            losses.block_until_ready()
        return lambda: np.asarray(predict(students))

    return run


if __name__ == "__main__":
    serve(prepare, ["equinox", "jax"])
