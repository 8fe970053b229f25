"""The one door for arrays: what it reads, and what it refuses by its name with what to do."""

import numpy as np
import pytest
import torch
from scipy import sparse

import kdprobe
from kdprobe.core.arrays import as_array
from kdprobe.core.errors import DataError

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(60, 3))
HIDDEN = np.ma.array(VALUES, mask=VALUES > 1)
TENSOR = torch.from_numpy(VALUES)
TURNED = torch.complex(TENSOR, TENSOR).conj()


@pytest.mark.parametrize("values", [VALUES, VALUES.tolist(), TENSOR, TENSOR.clone().requires_grad_(), list(TENSOR), np.ma.array(VALUES)])
def test_what_it_reads(values):
    assert np.array_equal(as_array(values, "x"), VALUES)


def test_bfloat16_is_read_as_float32():
    found = as_array(TENSOR.bfloat16(), "x")
    assert found.dtype == np.float32
    assert np.abs(found - VALUES).max() < 2**-7 * np.abs(VALUES).max()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (HIDDEN, "x is a masked array: fill the masked entries, or leave their rows out"),
        (list(HIDDEN), "x is a masked array: fill"),
        (np.ma.masked, "x is a masked array: fill"),
        (sparse.csr_array(VALUES), r"x is a sparse csr_array: give x.toarray\(\)"),
        ([[1.0], [1.0, 2.0]], "x is ragged: give rows of one length"),
        (TENSOR.to_sparse(), r"x is a tensor of layout torch.sparse_coo: give x.to_dense\(\)"),
        (TURNED, r"x is a tensor that is conjugated when it is read: give x.resolve_conj\(\), or its real part"),
        (TURNED.imag, r"x is a tensor that is negated when it is read: give x.resolve_neg\(\)"),
        (TENSOR.to(torch.float8_e4m3fn), r"x is a tensor of dtype torch.float8_e4m3fn, which NumPy lacks: give x.float\(\)"),
        (TENSOR.to("meta"), "x is a tensor without data, on the meta device: give a tensor with data"),
        (torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged), "x is a tensor of nested rows: give"),
        ([TENSOR.to("meta")], "x is a list that NumPy cannot read .*: give an array"),
        (torch.zeros(60, dtype=torch.bits8), "x is a tensor of dtype torch.bits8 that NumPy cannot read .*: give"),
    ],
)
def test_what_it_refuses(values, text):
    with pytest.raises(DataError, match=text):
        as_array(values, "x")


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_a_quantised_tensor_is_refused():
    with pytest.raises(DataError, match=r"x is a tensor quantised to torch.qint8: give x.dequantize\(\)"):
        as_array(torch.quantize_per_tensor(TENSOR.float(), 0.1, 0, torch.qint8), "x")


PAIRED = ("cca", "cka", "mutual_information", "mutual_knn", "neighbourhood_jaccard", "procrustes", "pwcca", "rsa", "svcca")


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize("values", [HIDDEN, TENSOR.to_sparse(), TURNED, TENSOR.to(torch.float8_e4m3fn), TENSOR.to("meta")])
def test_no_public_measure_counts_what_a_mask_hides_or_gives_a_raw_error(name, values):
    measure = getattr(kdprobe, name)
    with pytest.raises(DataError, match=r"^x is a"):
        measure(values, VALUES)
    with pytest.raises(DataError, match=r"^y is a"):
        measure(VALUES, values)


def test_masked_targets_and_blocks_are_refused():
    """A mask over what would change the answer: np.asarray counts the rows that it hides."""
    classes = np.ma.array(RNG.integers(0, 3, 60), mask=np.arange(60) < 5)
    with pytest.raises(DataError, match=r"^target is a masked array"):
        kdprobe.usable_information(VALUES, classes, task="classification")
    with pytest.raises(DataError, match=r"^target is a masked array"):
        kdprobe.information_decomposition(VALUES, VALUES, HIDDEN, task="regression")
    with pytest.raises(DataError, match=r"^target is a masked array"):
        kdprobe.agreement(VALUES, VALUES, task="classification", target=classes)
    with pytest.raises(DataError, match=r"^blocks is a masked array"):
        kdprobe.cka(VALUES, VALUES, blocks=classes)


def test_traces_and_comparisons_refuse_masks_too():
    with pytest.raises(DataError, match=r"^model: raw outputs is a masked array"):
        kdprobe.Trace.from_raw("regression", HIDDEN)
    with pytest.raises(DataError, match="teacher: its output is a masked array"):
        kdprobe.compare(HIDDEN, VALUES, (VALUES, RNG.integers(0, 3, 60)), task="classification")
    with pytest.raises(DataError, match="the target is a masked array"):
        kdprobe.compare(VALUES, VALUES, (VALUES, np.ma.array(RNG.integers(0, 3, 60), mask=np.arange(60) < 5)), task="classification")
