from .ablation import (
    AblationOptions as AblationOptions,
)
from .circuit import (
    CircuitOptions as CircuitOptions,
)
from .corruptions import (
    Corruption as Corruption,
    Gaussian as Gaussian,
    Interchange as Interchange,
    corruption_of as corruption_of,
    register_corruption as register_corruption,
)
from .estimates import (
    EstimateOptions as EstimateOptions,
)
from .metrics import (
    Metric as Metric,
    metric_of as metric_of,
    register_metric as register_metric,
)
from .paths import (
    PathOptions as PathOptions,
)
from .probe import (
    ProbeOptions as ProbeOptions,
)
from .steering import (
    SteerOptions as SteerOptions,
)
from .trace import (
    DIRECTIONS as DIRECTIONS,
    Direction as Direction,
    TraceAsked as TraceAsked,
    TraceOptions as TraceOptions,
)
