from .backends import (
    BACKENDS as BACKENDS,
)
from .backends import (
    check_backend as check_backend,
)
from .backends import (
    installed as installed,
)
from .backends import (
    open_adapter as open_adapter,
)
from .base import ModelAdapter as ModelAdapter
from .base import Run as Run
from .layouts import Layout as Layout
from .layouts import register_layout as register_layout
from .sites import Site as Site
from .sites import register_site as register_site
from .taps import Edit as Edit
from .weights import Weights as Weights
