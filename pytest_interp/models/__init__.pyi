from .inventory import (
    ModelStatus as ModelStatus,
)
from .inventory import (
    inventory as inventory,
)
from .loader import (
    load_model as load_model,
)
from .loader import (
    load_weights as load_weights,
)
from .registry import (
    ModelEntry as ModelEntry,
)
from .registry import (
    model_names as model_names,
)
from .registry import (
    register_model as register_model,
)
from .sources import (
    FolderSource as FolderSource,
)
from .sources import (
    GgufSource as GgufSource,
)
from .sources import (
    HubSource as HubSource,
)
from .sources import (
    PackageFile as PackageFile,
)
from .sources import (
    PlantedSource as PlantedSource,
)
from .sources import (
    Source as Source,
)
