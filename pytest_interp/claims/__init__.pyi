from .ablations import (
    assert_ablation_drops as assert_ablation_drops,
    assert_survives_ablation as assert_survives_ablation,
    check_ablation_drops as check_ablation_drops,
    check_survives_ablation as check_survives_ablation,
)
from .agreement import (
    assert_backends_agree as assert_backends_agree,
    check_backends_agree as check_backends_agree,
)
from .attention import (
    assert_attends as assert_attends,
    check_attends as check_attends,
)
from .attribution import (
    assert_direct_effect as assert_direct_effect,
    check_direct_effect as check_direct_effect,
)
from .circuits import (
    assert_complete as assert_complete,
    assert_faithful as assert_faithful,
    assert_minimal as assert_minimal,
    check_complete as check_complete,
    check_faithful as check_faithful,
    check_minimal as check_minimal,
)
from .crystallises import (
    assert_crystallises as assert_crystallises,
    check_crystallises as check_crystallises,
)
from .decodable import (
    assert_decodable as assert_decodable,
    check_decodable as check_decodable,
)
from .effects import (
    assert_handoff as assert_handoff,
    assert_necessary as assert_necessary,
    assert_no_effect as assert_no_effect,
    assert_sufficient as assert_sufficient,
    check_handoff as check_handoff,
    check_necessary as check_necessary,
    check_no_effect as check_no_effect,
    check_sufficient as check_sufficient,
)
from .estimates import (
    assert_estimated_effect as assert_estimated_effect,
    check_estimated_effect as check_estimated_effect,
)
from .evidence import (
    Column as Column,
    Evidence as Evidence,
    column as column,
    gather as gather,
    other_columns as other_columns,
)
from .head_scores import (
    assert_duplicate_token_head as assert_duplicate_token_head,
    assert_induction_head as assert_induction_head,
    assert_previous_token_head as assert_previous_token_head,
    check_duplicate_token_head as check_duplicate_token_head,
    check_induction_head as check_induction_head,
    check_previous_token_head as check_previous_token_head,
)
from .heads import (
    assert_heads_matter as assert_heads_matter,
    check_heads_matter as check_heads_matter,
)
from .localized import (
    assert_fact_localized as assert_fact_localized,
    check_fact_localized as check_fact_localized,
)
from .paths import (
    assert_path as assert_path,
    check_path as check_path,
)
from .places import (
    Layers as Layers,
    layer_span as layer_span,
    parse_place as parse_place,
)
from .registry import (
    register_claim as register_claim,
)
from .requirements import (
    Requirement as Requirement,
    asserting as asserting,
    decide as decide,
)
from .steering import (
    assert_ablation_removes as assert_ablation_removes,
    assert_dose_response as assert_dose_response,
    check_ablation_removes as check_ablation_removes,
    check_dose_response as check_dose_response,
)
from .terms import (
    GivenTerms as GivenTerms,
    Terms as Terms,
    least_effect as least_effect,
    most_effect as most_effect,
)
from .trajectories import (
    assert_commits_later as assert_commits_later,
    assert_sharpens_gradually as assert_sharpens_gradually,
    check_commits_later as check_commits_later,
    check_sharpens_gradually as check_sharpens_gradually,
)
from .unread import (
    checking as checking,
)
from .useful import (
    assert_separates as assert_separates,
    assert_side_effects_below as assert_side_effects_below,
    check_separates as check_separates,
    check_side_effects_below as check_side_effects_below,
)
from .verdict import (
    Estimate as Estimate,
    Status as Status,
    Verdict as Verdict,
    conclude as conclude,
    hearing as hearing,
)
