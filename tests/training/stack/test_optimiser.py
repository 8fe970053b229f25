"""AdamW for a stack: torch's own, by model, whoever else shares a call."""

import pytest
import torch

from kdprobe.training.stack.optimiser import StackedAdamW

MODELS, SIZE, STEPS = 6, 128, 5


def steps(places, rates, decays, clip):
    """Parameters after some steps of the models at `places` of a fixed set."""
    generator = torch.Generator().manual_seed(0)
    flat = torch.randn(MODELS, SIZE, generator=generator)[places]
    gradients = torch.randn(STEPS, MODELS, SIZE, generator=generator)[:, places]
    numbers = [torch.tensor(values, dtype=torch.float64)[places] for values in (rates, decays, clip)]
    optimiser = StackedAdamW(flat, *numbers)
    for step, gradient in enumerate(gradients):
        before = gradient.clone()
        optimiser.step(flat, gradient, 1 / (1 + step))
        assert torch.equal(gradient, before)
    return flat, gradients


RATES, DECAYS, CLIP = [0.1, 0.1, 0.1, 0.02, 0.02, 0.1], [0.0, 0.0, 0.3, 0.3, 0.3, 0.0], [torch.inf, 2.0, torch.inf, 5.0, torch.inf, 1.0]


def test_it_is_torchs_own_adamw():
    flat, gradients = steps(list(range(MODELS)), RATES, DECAYS, CLIP)
    start = torch.randn(MODELS, SIZE, generator=torch.Generator().manual_seed(0))
    for model in range(MODELS):
        parameter = torch.nn.Parameter(start[model].clone())
        optimiser = torch.optim.AdamW([parameter], lr=RATES[model], weight_decay=DECAYS[model])
        for step, gradient in enumerate(gradients[:, model]):
            parameter.grad = gradient.clone()
            torch.nn.utils.clip_grad_norm_([parameter], CLIP[model])
            optimiser.param_groups[0]["lr"] = RATES[model] / (1 + step)
            optimiser.step()
        torch.testing.assert_close(flat[model], parameter.detach(), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("places", [[0], [1, 0], [5, 4], [2, 3, 4], [5, 0, 1, 2]])
def test_a_model_is_the_same_bits_whoever_shares_its_rates(places):
    whole, _ = steps(list(range(MODELS)), RATES, DECAYS, CLIP)
    part, _ = steps(places, RATES, DECAYS, CLIP)
    assert torch.equal(part, whole[places])


def test_those_that_go_on_keep_their_moments():
    generator = torch.Generator().manual_seed(1)
    flat, gradients = torch.randn(4, SIZE, generator=generator), torch.randn(4, 4, SIZE, generator=generator)
    rates = torch.tensor([0.1, 0.1, 0.02, 0.1], dtype=torch.float64)
    free = torch.full((4,), torch.inf, dtype=torch.float64)
    kept = torch.tensor([1, 3])
    whole, part = flat.clone(), flat.clone()
    one, other = StackedAdamW(whole, rates, 0 * rates, free), StackedAdamW(part, rates, 0 * rates, free)
    for step, gradient in enumerate(gradients):
        one.step(whole, gradient, 1.0)
        if step == 2:
            other.keep(kept)
            part = part[kept]
        other.step(part, gradient[kept] if step >= 2 else gradient, 1.0)
    assert torch.equal(part, whole[kept])
