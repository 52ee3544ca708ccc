from .agreement import (
    assert_backends_agree as assert_backends_agree,
    check_backends_agree as check_backends_agree,
)
from .crystallises import (
    assert_crystallises as assert_crystallises,
    check_crystallises as check_crystallises,
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
from .evidence import (
    Column as Column,
    Evidence as Evidence,
    column as column,
    gather as gather,
    other_columns as other_columns,
)
from .localized import (
    assert_fact_localized as assert_fact_localized,
    check_fact_localized as check_fact_localized,
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
from .terms import (
    GivenTerms as GivenTerms,
    Terms as Terms,
    least_effect as least_effect,
    most_effect as most_effect,
)
from .unread import (
    checking as checking,
)
from .verdict import (
    Estimate as Estimate,
    Status as Status,
    Verdict as Verdict,
    conclude as conclude,
    hearing as hearing,
)
