"""Gates that a metric must pass before it may be called transfer, for anyone's metric.

In a test of a plug-in::

    from kdprobe.testing.gates import gates

    for gate in gates(MY_PROBE)["my_probe"]:
        print(gate.name, gate.outcome, gate.number, gate.says)

or ``kdprobe gates my_package.metric`` on the command line.
"""

from kdprobe.testing.gates.invariances import invariances as invariances
from kdprobe.testing.gates.networks import Depth as Depth
from kdprobe.testing.gates.put import gates as gates
from kdprobe.testing.gates.put import metric as metric
from kdprobe.verdicts.gates import Gate as Gate
from kdprobe.verdicts.gates import dose as dose
from kdprobe.verdicts.gates import incremental as incremental
from kdprobe.verdicts.gates import null as null
from kdprobe.verdicts.gates import sign as sign
from kdprobe.verdicts.gates import specificity as specificity
