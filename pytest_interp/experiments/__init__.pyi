from .controls import (
    cheap_controls as cheap_controls,
)
from .controls import (
    identity_control as identity_control,
)
from .controls import (
    shuffled_adapter as shuffled_adapter,
)
from .controls import (
    shuffled_control as shuffled_control,
)
from .controls import (
    unrelated_control as unrelated_control,
)
from .knowledge import (
    Knowledge as Knowledge,
)
from .knowledge import (
    known_facts as known_facts,
)
from .lens import (
    lens_facts as lens_facts,
)
from .lens import (
    logit_lens as logit_lens,
)
from .tracing import (
    causal_trace as causal_trace,
)
from .tracing import (
    causal_traces as causal_traces,
)
from .tracing import (
    trace_facts as trace_facts,
)
