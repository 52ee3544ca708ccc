from .prompts import (
    FactPrompt as FactPrompt,
    TokenizedFact as TokenizedFact,
    tokenize_fact as tokenize_fact,
)
from .sets import (
    Fact as Fact,
    FactSet as FactSet,
)
from .shipped import (
    fact_sets as fact_sets,
    load_facts as load_facts,
    shipped as shipped,
)
