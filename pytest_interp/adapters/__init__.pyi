from .backends import (
    Backend as Backend,
    backend_names as backend_names,
    check_backend as check_backend,
    installed as installed,
    installed_backends as installed_backends,
    known_backend as known_backend,
    open_adapter as open_adapter,
    register_backend as register_backend,
)
from .base import ModelAdapter as ModelAdapter
from .layouts import Layout as Layout, register_layout as register_layout
from .passes import Run as Run
from .patterns import twin_with_patterns as twin_with_patterns
from .places import (
    ByLayout as ByLayout,
    ModulePlace as ModulePlace,
    register_site as register_site,
)
from .prefix import behind as behind
from .sites import (
    Site as Site,
    SiteKind as SiteKind,
    parse_site as parse_site,
    site_kinds as site_kinds,
)
from .taps import Edit as Edit
from .weights import Weights as Weights
