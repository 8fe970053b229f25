"""The plans there are, by what they ask."""

from kdprobe.sweep.knowledge import KnowledgePlan
from kdprobe.sweep.plan import GapPlan

Plan = GapPlan | KnowledgePlan
PLANS: dict[str, type[GapPlan] | type[KnowledgePlan]] = {"gap": GapPlan, "knowledge": KnowledgePlan}
