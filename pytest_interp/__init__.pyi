from .claims import (
    assert_ablation_removes as assert_ablation_removes,
    assert_backends_agree as assert_backends_agree,
    assert_commits_later as assert_commits_later,
    assert_crystallises as assert_crystallises,
    assert_decodable as assert_decodable,
    assert_dose_response as assert_dose_response,
    assert_estimated_effect as assert_estimated_effect,
    assert_fact_localized as assert_fact_localized,
    assert_handoff as assert_handoff,
    assert_necessary as assert_necessary,
    assert_no_effect as assert_no_effect,
    assert_separates as assert_separates,
    assert_sharpens_gradually as assert_sharpens_gradually,
    assert_side_effects_below as assert_side_effects_below,
    assert_sufficient as assert_sufficient,
)
from .experiments import (
    ablate_direction as ablate_direction,
    attribution_patching as attribution_patching,
    causal_trace as causal_trace,
    causal_traces as causal_traces,
    class_direction as class_direction,
    known_facts as known_facts,
    lens_facts as lens_facts,
    logit_lens as logit_lens,
    probe as probe,
    steer as steer,
    trace_facts as trace_facts,
    trajectories as trajectories,
)
from .facts import (
    FactPrompt as FactPrompt,
    FactSet as FactSet,
    LabelledPrompt as LabelledPrompt,
    PromptSet as PromptSet,
    load_facts as load_facts,
    load_prompts as load_prompts,
)
from .models import (
    load_model as load_model,
)
from .results import (
    AblationResult as AblationResult,
    Direction as Direction,
    Estimates as Estimates,
    LensResult as LensResult,
    LensSet as LensSet,
    ProbeResult as ProbeResult,
    SteerResult as SteerResult,
    TraceResult as TraceResult,
    TraceSet as TraceSet,
    Trajectories as Trajectories,
)
