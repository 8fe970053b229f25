"""The suite for schemes notices each way of breaking the contract, and says what was due."""

from dataclasses import replace

import pytest

from kdprobe import Stage, available
from kdprobe.core.errors import ContractError
from kdprobe.testing import check

GOOD = available("schemes")["same_rows"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"stages": GOOD.stages[::-1]}, r"stage 'student' comes before \['teacher'\], which it needs"),
        ({"stages": (Stage("assistant"), *GOOD.stages)}, r"nobody learns from \['assistant'\]: leave it out"),
        ({"stages": (Stage("teacher"), Stage("twin"), Stage("student"))}, "its student is taught by nobody: it would be a twin"),
        ({"controls": ("own_answer",)}, r"controls holds 'own_answer', which is no scheme: did you mean 'own_answers'"),
        (
            {"controls": ("own_answers", "transfer_rows")},
            r"controls holds 'transfer_rows', whose student the teacher teaches",
        ),
        *(({field: " "}, f"{field} is empty: say it in words") for field in ("title", "regime", "expects")),
    ],
)
def test_a_broken_one_is_noticed(changes, text):
    with pytest.raises(ContractError, match=f"scheme 'same_rows': {text}"):
        check("schemes", replace(GOOD, **changes))
