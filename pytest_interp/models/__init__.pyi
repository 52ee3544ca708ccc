from .loader import (
    load_model as load_model,
    load_weights as load_weights,
)
from .packages import (
    GgufSource as GgufSource,
    PackageFile as PackageFile,
)
from .registry import (
    ModelEntry as ModelEntry,
    ModelStatus as ModelStatus,
    inventory as inventory,
    model_names as model_names,
    register_model as register_model,
)
from .sources import (
    FolderSource as FolderSource,
    HubSource as HubSource,
    PlantedSource as PlantedSource,
    Source as Source,
)
