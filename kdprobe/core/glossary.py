"""What the words of a page mean: the one place where they are defined."""

import re
from typing import NamedTuple


class Term(NamedTuple):
    """One word of the field, as pages use it."""

    name: str
    says: str
    """Its definition, in one sentence without a full stop."""
    spelt: str = ""
    """Pattern that finds it in a sentence; by default the name, with or without a plural."""

    @property
    def pattern(self) -> str:
        """What finds it in a sentence."""
        return self.spelt or rf"{re.escape(self.name)}s?"

    @property
    def place(self) -> str:
        """Id of its definition on a page."""
        return "word-" + re.sub(r"\W+", "-", self.name)


TERMS = (
    Term("teacher", "the larger network, trained first on labels; students learn from its answers", "(?!)"),
    Term("twin", "the student's own network from the same start, trained on labels as long, with no teacher", r"(?:untaught )?twins?"),
    Term("sibling", "a teacher of the same size and recipe from another seed", r"sibling(?: teacher)?s?"),
    Term(
        "gain", "loss of the untaught twin minus loss of the student on the same new rows: above 0 the teacher helped", "gains?(?: over)?"
    ),
    Term("same rows", "the student learns from the labelled rows that its teacher learned from"),
    Term("transfer rows", "the student learns from rows without labels, which its teacher never saw and answers for it"),
    Term("labelled and transfer rows", "the student learns from the teacher's labelled rows and from transfer rows, both in every step"),
    Term("calibrated", "after one temperature a model, fitted on validation rows: being too sure of itself, or too unsure, costs nothing"),
    Term("control", "a student of the same rows and steps that no teacher taught: what the regime gives by itself"),
    Term("95 % set", "all sizes that are not shown to be worse than the best: it holds the best one in 95 of 100 such sweeps"),
    Term("negligible", "less than a fifth of the standard deviation of twins over seeds: two trainings of one twin differ by more"),
    Term("paired seed", "one start and order of batches, shared by a teacher, its student and their twin, so that these can be compared"),
    Term("nats", "unit of the loss of classes: 0.01 nats are 1 % more or less probability for the right class", "nats"),
    Term("target variance", "unit of the squared error: 1 is the error of always guessing the mean"),
    Term("agreement", "share of rows on which student and teacher name the same class", "agreement"),
    Term("95 % interval", "the two numbers in brackets: 95 of 100 such intervals hold the true value"),
    Term("α", "weight of the teacher's part of the loss; the labels' part has 1 − α", "α"),
    Term("T", "temperature that the teacher's and the student's logits are divided by in the loss", "(?!)"),
)
"""What is never looked for in a sentence, because the word is too short or too common there, stands in the list alone."""
