from . import theory as theory
from .core.errors import DataError as DataError
from .core.errors import PlanError as PlanError
from .core.registry import available as available
from .core.result import Measurement as Measurement
from .core.result import Refusal as Refusal
from .sweep.plan import GapPlan as GapPlan
from .zoo import Zoo as Zoo
