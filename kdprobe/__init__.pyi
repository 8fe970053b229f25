from . import theory as theory
from .compare import compare as compare
from .compare.comparison import Comparison as Comparison
from .core.errors import DataError as DataError
from .core.errors import PlanError as PlanError
from .core.registry import available as available
from .core.result import Measurement as Measurement
from .core.result import Refusal as Refusal
from .probes._agreement import agreement as agreement
from .probes.cca import cca as cca
from .probes.cka import cka as cka
from .probes.information_decomposition import InformationDecomposition as InformationDecomposition
from .probes.information_decomposition import information_decomposition as information_decomposition
from .probes.mutual_information import mutual_information as mutual_information
from .probes.mutual_knn import mutual_knn as mutual_knn
from .probes.neighbourhood_jaccard import neighbourhood_jaccard as neighbourhood_jaccard
from .probes.procrustes import procrustes as procrustes
from .probes.pwcca import pwcca as pwcca
from .probes.rsa import rsa as rsa
from .probes.svcca import svcca as svcca
from .probes.usable_information import usable_information as usable_information
from .report import report as report
from .sweep import sweep as sweep
from .sweep.knowledge import KnowledgePlan as KnowledgePlan
from .sweep.plan import GapPlan as GapPlan
from .zoo import Zoo as Zoo

__version__: str
