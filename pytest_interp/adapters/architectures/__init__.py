"""The architectures of this package: where their modules are, and what is special in each.

One table of architectures, by family. That in ``docs/backends.md`` is written from these rows.
"""

FAMILIES = tuple(
    f"pytest_interp.adapters.architectures.{family}"
    for family in ("gpt", "llama", "gemma", "experts", "linear")
)
"""The modules that register them."""
