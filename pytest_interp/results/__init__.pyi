from .base import (
    Axis as Axis,
)
from .base import (
    Decision as Decision,
)
from .base import (
    Floats as Floats,
)
from .base import (
    Ints as Ints,
)
from .base import (
    Result as Result,
)
from .control import (
    Control as Control,
)
from .crossover import (
    CrossoverLayer as CrossoverLayer,
)
from .crossover import (
    NeverReached as NeverReached,
)
from .crossover import (
    ReachedLayer as ReachedLayer,
)
from .lens import (
    LensResult as LensResult,
)
from .tolerances import (
    EXACT as EXACT,
)
from .tolerances import (
    Tolerance as Tolerance,
)
from .tolerances import (
    float_tolerance as float_tolerance,
)
from .tolerances import (
    rank_tolerance as rank_tolerance,
)
from .trace import (
    DIRECTIONS as DIRECTIONS,
)
from .trace import (
    Direction as Direction,
)
from .trace import (
    Peak as Peak,
)
from .trace import (
    TraceResult as TraceResult,
)
from .traces import (
    TraceSet as TraceSet,
)
