"""A teacher that sees each row with its neighbours on a graph, and a student that sees the row alone."""

from kdprobe.core.scheme import Scheme, Stage

GRAPH_TO_ROWS = Scheme(
    name="graph_to_rows",
    title="from a network on the graph of nearest neighbours to one without",
    objective="compression",
    regime="without the graph: learned from labelled rows and, beside each batch, from what a network on the graph says of unlabelled rows",
    expects="near the network on the graph, and more than from a teacher without the graph",
    stages=(
        Stage("teacher", inputs="neighbours"),
        Stage("twin"),
        Stage("student", taught_by=("teacher",), taught_on="transfer"),
    ),
    controls=("labelled_and_own_answers",),
    beats=("labelled_and_transfer_rows",),
    cites="arXiv:2110.08727",
)
