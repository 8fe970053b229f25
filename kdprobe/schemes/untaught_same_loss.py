"""Control: an untaught student that has become as good as the taught one, by more true labels.

It is stopped early where its loss on the validation rows is the taught student's. On other rows its loss is near that, not equal to it:
what was stopped early errs elsewhere than what was trained to the end. Its gain beside the taught student's says by how much.
"""

from kdprobe.core.scheme import Scheme, Stage

UNTAUGHT_SAME_LOSS = Scheme(
    name="untaught_same_loss",
    title="control: untaught, of the same loss as the taught student",
    objective="control",
    regime="untaught, on the true labels of the transfer rows until as good as the student taught there",
    expects="the likeness to the teacher that any network as good as the student shows",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("taught", size="student", stream="student", rows="transfer", taught_by=("teacher",), alpha=1.0),
        Stage("student", rows="transfer", labels="true", matches="taught"),
    ),
)
