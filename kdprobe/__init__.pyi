from . import theory as theory
from .compare import compare as compare
from .compare.comparison import Comparison as Comparison
from .core.errors import DataError as DataError
from .core.errors import PlanError as PlanError
from .core.registry import available as available
from .core.result import Measurement as Measurement
from .core.result import Refusal as Refusal
from .probes._agreement import agreement as agreement
from .report import report as report
from .sweep import sweep as sweep
from .sweep.plan import GapPlan as GapPlan
from .zoo import Zoo as Zoo

__version__: str
