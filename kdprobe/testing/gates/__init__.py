"""Gates that a metric must pass before it may be called transfer, for anyone's metric.

In a test of a plug-in::

    from kdprobe.testing.gates import gates

    for gate in gates(MY_PROBE)["my_probe"]:
        print(gate.name, gate.outcome, gate.number, gate.says)

or ``kdprobe gates my_package.metric`` on the command line.
"""

from kdprobe.testing.gates.gate import Gate as Gate
from kdprobe.testing.gates.gate import dose as dose
from kdprobe.testing.gates.gate import incremental as incremental
from kdprobe.testing.gates.gate import invariances as invariances
from kdprobe.testing.gates.gate import null as null
from kdprobe.testing.gates.gate import sign as sign
from kdprobe.testing.gates.gate import specificity as specificity
from kdprobe.testing.gates.networks import Depth as Depth
from kdprobe.testing.gates.put import gates as gates
from kdprobe.testing.gates.put import metric as metric
