"""Five clients whose rows are unlike each other teach a student by what they say of public rows: no row of theirs leaves them.

The rows of the clients are `kdprobe.tasks.subsets.belongs`: of each class every client has a share drawn from a Dirichlet distribution.
The twin is what client 1 learns by itself; `pooled_labels` is what all rows in one place would give.
"""

from kdprobe.core.scheme import Scheme, Stage

CLIENTS = ("client_1", "client_2", "client_3", "client_4", "client_5")
_TRAINED = (
    Stage("teacher"),
    Stage("client_1", subset="client 1"),
    Stage("client_2", subset="client 2"),
    Stage("client_3", subset="client 3"),
    Stage("client_4", subset="client 4"),
    Stage("client_5", subset="client 5"),
    Stage("twin", subset="client 1"),
)
FEDDF = Scheme(
    name="feddf",
    title="federated: a server's student of five clients",
    objective="enhancement",
    regime="distilled from the mean of five clients with unlike rows, on public rows without labels",
    expects="above what a client learns by itself, below what all rows together give",
    stages=(*_TRAINED, Stage("student", rows="transfer", taught_by=CLIENTS, alpha=1.0)),
    controls=("client_own_answers",),
    below=("pooled_labels",),
    cites="arXiv:2006.07242",
)
FEDMD = Scheme(
    name="fedmd",
    title="federated: a client that hears the others",
    objective="enhancement",
    regime="learned from a client's own rows and, beside each batch, from the mean of five clients on public rows without labels",
    expects="above what the client learns by itself, below what all rows together give",
    stages=(*_TRAINED, Stage("student", subset="client 1", taught_by=CLIENTS, taught_on="transfer")),
    controls=("client_own_answers",),
    below=("pooled_labels",),
    cites="arXiv:1910.03581",
)
CLIENT_OWN_ANSWERS = Scheme(
    name="client_own_answers",
    title="control: one client, and own pseudo-labels on public rows",
    objective="control",
    regime="learned from a client's own rows and, beside each batch, taught by its own twin on public rows without labels",
    expects="what public rows give without the other clients",
    stages=(
        Stage("teacher"),
        Stage("twin", subset="client 1"),
        Stage("student", subset="client 1", taught_by=("twin",), taught_on="transfer"),
    ),
)
POOLED_LABELS = Scheme(
    name="pooled_labels",
    title="control: the labelled rows of all clients",
    objective="control",
    regime="untaught, on the labelled rows of all clients, where its twin has those of one",
    expects="what it would be worth to bring all rows to one place",
    stages=(
        Stage("teacher"),
        Stage("twin", subset="client 1"),
        Stage("student"),
    ),
)
