from .claims import (
    assert_backends_agree as assert_backends_agree,
    assert_crystallises as assert_crystallises,
    assert_fact_localized as assert_fact_localized,
    assert_handoff as assert_handoff,
    assert_necessary as assert_necessary,
    assert_no_effect as assert_no_effect,
    assert_sufficient as assert_sufficient,
)
from .experiments import (
    causal_trace as causal_trace,
    causal_traces as causal_traces,
    known_facts as known_facts,
    logit_lens as logit_lens,
    trace_facts as trace_facts,
)
from .facts import (
    FactPrompt as FactPrompt,
    FactSet as FactSet,
    load_facts as load_facts,
)
from .models import (
    load_model as load_model,
)
from .results import (
    LensResult as LensResult,
    TraceResult as TraceResult,
    TraceSet as TraceSet,
)
