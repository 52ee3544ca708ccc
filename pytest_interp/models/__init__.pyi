from .loader import (
    load_model as load_model,
    load_weights as load_weights,
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
    GgufSource as GgufSource,
    HubSource as HubSource,
    PackageFile as PackageFile,
    PlantedSource as PlantedSource,
    Source as Source,
)
