"""The suite for sections notices each way of breaking the contract, and says what was due."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe import Column, Content, Section, Table, available
from kdprobe.core.errors import ContractError
from kdprobe.testing.sections import check_section

RNG = np.random.default_rng(0)
GOOD = Section(name="mine", question="How many models?", draw=lambda zoo: Content(words=(f"{len(zoo.models())} models",)))
TABLE = Table(columns=(Column(key="a", title="a"), Column(key="b", title="b")), rows=({"a": 1, "b": None}, {"a": 2}), caption="two")


def test_a_good_one_passes(small_zoo):
    check_section(GOOD, small_zoo)
    check_section(replace(GOOD, draw=lambda zoo: None), small_zoo)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"question": " "}, "its question is empty: it is the section's heading"),
        ({"draw": lambda zoo: "<p>12 models</p>"}, r"draw gave a str, not Content or None: return kdprobe\.Content"),
        ({"draw": lambda zoo: Content(words=(str(RNG.random()),))}, "drawing the same zoo twice gives two contents"),
        ({"draw": lambda zoo: Content(tables=(TABLE,))}, r"rows of table 'two' lack \['b'\]: give each row a cell for each column"),
    ],
)
def test_a_broken_one_is_noticed(small_zoo, changes, text):
    with pytest.raises(ContractError, match=f"section 'mine': {text}"):
        check_section(replace(GOOD, **changes), small_zoo)


def test_sections_of_a_page_keep_it_on_a_zoo_that_is_given(small_zoo):
    check_section(available("sections")["gap"], small_zoo)
