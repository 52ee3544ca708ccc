from .ablations import (
    ablate as ablate,
)
from .attention import (
    attention_patterns as attention_patterns,
)
from .attribution import (
    direct_logit_attribution as direct_logit_attribution,
)
from .behaviour import (
    Said as Said,
    known_or_not as known_or_not,
    say as say,
)
from .circuits import (
    circuit as circuit,
)
from .control_runs import (
    cheap_controls as cheap_controls,
    identity_control as identity_control,
    shuffled_adapter as shuffled_adapter,
    shuffled_control as shuffled_control,
    unrelated_control as unrelated_control,
)
from .directions import (
    class_direction as class_direction,
)
from .estimates import (
    attribution_patching as attribution_patching,
)
from .features import (
    Features as Features,
    capture_features as capture_features,
)
from .heads import (
    trace_heads as trace_heads,
)
from .induction import (
    induction_scores as induction_scores,
)
from .joint import (
    trace_joint as trace_joint,
)
from .knockout import (
    knock_out_attention as knock_out_attention,
)
from .knowledge import (
    Knowledge as Knowledge,
    known_facts as known_facts,
)
from .lens import (
    lens_facts as lens_facts,
    logit_lens as logit_lens,
)
from .members import (
    every_component as every_component,
)
from .paths import (
    path_patching as path_patching,
)
from .probing import (
    probe as probe,
)
from .projection import (
    ablate_direction as ablate_direction,
)
from .steering import (
    steer as steer,
)
from .tracing import (
    causal_trace as causal_trace,
    causal_traces as causal_traces,
    trace_facts as trace_facts,
)
from .trajectory import (
    trajectories as trajectories,
)
