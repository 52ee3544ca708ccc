from .diff import (
    diff_baselines as diff_baselines,
)
