from .lens import (
    lens_figure as lens_figure,
)
from .lenses import (
    lenses_figure as lenses_figure,
)
from .registry import (
    figure_of as figure_of,
)
from .registry import (
    register_figure as register_figure,
)
from .render import (
    Drawing as Drawing,
)
from .render import (
    draw as draw,
)
from .render import (
    picture as picture,
)
from .render import (
    raster as raster,
)
from .trace import (
    trace_figure as trace_figure,
)
from .traces import (
    traces_figure as traces_figure,
)
