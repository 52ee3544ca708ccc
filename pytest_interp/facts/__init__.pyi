from .prompts import (
    FactPrompt as FactPrompt,
)
from .prompts import (
    TokenizedFact as TokenizedFact,
)
from .prompts import (
    tokenize_fact as tokenize_fact,
)
from .sets import (
    Fact as Fact,
)
from .sets import (
    FactSet as FactSet,
)
from .shipped import (
    fact_sets as fact_sets,
)
from .shipped import (
    load_facts as load_facts,
)
from .shipped import (
    shipped as shipped,
)
