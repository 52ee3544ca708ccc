from .ablations import (
    Ablations as Ablations,
)
from .attention import (
    AttentionPatterns as AttentionPatterns,
)
from .attribution import (
    Attribution as Attribution,
)
from .base import (
    Axis as Axis,
    Decision as Decision,
    Floats as Floats,
    Ints as Ints,
    Reading as Reading,
    Result as Result,
)
from .circuit import (
    CircuitResult as CircuitResult,
)
from .claimed import (
    ClaimedRange as ClaimedRange,
)
from .control import (
    Control as Control,
)
from .crossover import (
    CrossoverLayer as CrossoverLayer,
    NeverReached as NeverReached,
    ReachedLayer as ReachedLayer,
)
from .direction import (
    Direction as Direction,
)
from .estimates import (
    Estimates as Estimates,
)
from .head_scores import (
    HeadScores as HeadScores,
)
from .head_trace import (
    HeadTrace as HeadTrace,
)
from .joint_trace import (
    JointTrace as JointTrace,
)
from .lens import (
    LensResult as LensResult,
)
from .lenses import (
    LensSet as LensSet,
)
from .paths import (
    PathResult as PathResult,
)
from .probe import (
    ProbeResult as ProbeResult,
)
from .steering import (
    AblationResult as AblationResult,
    SteerResult as SteerResult,
)
from .tolerances import (
    EXACT as EXACT,
    Tolerance as Tolerance,
    float_tolerance as float_tolerance,
    rank_tolerance as rank_tolerance,
)
from .trace import (
    Peak as Peak,
    TraceResult as TraceResult,
)
from .traces import (
    TraceSet as TraceSet,
)
from .trajectories import (
    Trajectories as Trajectories,
)
