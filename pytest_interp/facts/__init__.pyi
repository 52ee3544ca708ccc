from .labelled import (
    LabelledPrompt as LabelledPrompt,
    PromptSet as PromptSet,
)
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
    shipped_facts as shipped_facts,
)
from .shipped_prompts import (
    load_prompts as load_prompts,
    prompt_sets as prompt_sets,
)
