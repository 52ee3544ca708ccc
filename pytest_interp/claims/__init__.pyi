from .agreement import (
    assert_backends_agree as assert_backends_agree,
)
from .agreement import (
    check_backends_agree as check_backends_agree,
)
from .crystallises import (
    assert_crystallises as assert_crystallises,
)
from .crystallises import (
    check_crystallises as check_crystallises,
)
from .effects import (
    assert_handoff as assert_handoff,
)
from .effects import (
    assert_necessary as assert_necessary,
)
from .effects import (
    assert_no_effect as assert_no_effect,
)
from .effects import (
    assert_sufficient as assert_sufficient,
)
from .effects import (
    check_handoff as check_handoff,
)
from .effects import (
    check_necessary as check_necessary,
)
from .effects import (
    check_no_effect as check_no_effect,
)
from .effects import (
    check_sufficient as check_sufficient,
)
from .evidence import (
    Column as Column,
)
from .evidence import (
    Evidence as Evidence,
)
from .evidence import (
    column as column,
)
from .evidence import (
    gather as gather,
)
from .evidence import (
    other_columns as other_columns,
)
from .localized import (
    assert_fact_localized as assert_fact_localized,
)
from .localized import (
    check_fact_localized as check_fact_localized,
)
from .places import (
    Layers as Layers,
)
from .places import (
    layer_span as layer_span,
)
from .places import (
    parse_place as parse_place,
)
from .registry import (
    register_claim as register_claim,
)
from .requirements import (
    Requirement as Requirement,
)
from .requirements import (
    asserting as asserting,
)
from .requirements import (
    decide as decide,
)
from .terms import (
    GivenTerms as GivenTerms,
)
from .terms import (
    Terms as Terms,
)
from .terms import (
    least_effect as least_effect,
)
from .terms import (
    most_effect as most_effect,
)
from .verdict import (
    Estimate as Estimate,
)
from .verdict import (
    Status as Status,
)
from .verdict import (
    Verdict as Verdict,
)
from .verdict import (
    conclude as conclude,
)
from .verdict import (
    hearing as hearing,
)
