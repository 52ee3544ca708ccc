from .attention import (
    attention_figure as attention_figure,
)
from .attribution import (
    attribution_figure as attribution_figure,
)
from .checkpoints import (
    MarginLine as MarginLine,
    checkpoints_figure as checkpoints_figure,
)
from .export import (
    exported as exported,
)
from .head_scores import (
    head_scores_figure as head_scores_figure,
)
from .lens import (
    lens_figure as lens_figure,
)
from .lenses import (
    lenses_figure as lenses_figure,
)
from .probe import (
    probe_figure as probe_figure,
)
from .registry import (
    figure_of as figure_of,
    register_figure as register_figure,
)
from .render import (
    Drawing as Drawing,
    draw as draw,
    picture as picture,
    raster as raster,
)
from .steering import (
    ablation_figure as ablation_figure,
    steer_figure as steer_figure,
)
from .trace import (
    trace_figure as trace_figure,
)
from .traces import (
    traces_figure as traces_figure,
)
from .trajectories import (
    trajectories_figure as trajectories_figure,
)
