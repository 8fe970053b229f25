"""The sixth gate: whether a probe keeps what it declares."""

from kdprobe.core.errors import ContractError
from kdprobe.core.probe import Probe
from kdprobe.testing.probes import check_probe
from kdprobe.verdicts.gates import Gate, gate


def invariances(probe: Probe) -> Gate:
    """G6: the contract of every probe. ReSi's grounding tests of representations are beside it, in ``analyses/resi_grounding.py``."""
    try:
        check_probe(probe)
    except ContractError as error:
        return gate("G6", None, None, "fail", str(error))
    count = len(probe.truths) + len(probe.invariant) + int(probe.symmetric)
    return gate("G6", float(count), float(count), "pass", f"{len(probe.truths)} known answers, {len(probe.invariant)} invariances")
