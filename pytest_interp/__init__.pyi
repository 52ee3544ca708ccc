from .claims import (
    assert_backends_agree as assert_backends_agree,
)
from .claims import (
    assert_crystallises as assert_crystallises,
)
from .claims import (
    assert_fact_localized as assert_fact_localized,
)
from .claims import (
    assert_handoff as assert_handoff,
)
from .claims import (
    assert_necessary as assert_necessary,
)
from .claims import (
    assert_no_effect as assert_no_effect,
)
from .claims import (
    assert_sufficient as assert_sufficient,
)
from .experiments import (
    causal_trace as causal_trace,
)
from .experiments import (
    causal_traces as causal_traces,
)
from .experiments import (
    known_facts as known_facts,
)
from .experiments import (
    lens_facts as lens_facts,
)
from .experiments import (
    logit_lens as logit_lens,
)
from .experiments import (
    trace_facts as trace_facts,
)
from .facts import (
    FactPrompt as FactPrompt,
)
from .facts import (
    FactSet as FactSet,
)
from .facts import (
    load_facts as load_facts,
)
from .models import (
    load_model as load_model,
)
from .results import (
    LensResult as LensResult,
)
from .results import (
    LensSet as LensSet,
)
from .results import (
    TraceResult as TraceResult,
)
from .results import (
    TraceSet as TraceSet,
)
