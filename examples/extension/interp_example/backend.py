"""A backend: its row alone, because pytest reads it at each start. The adapter is in plain.py."""

from pytest_interp.adapters import Backend, register_backend

PLAIN_HOOKS = register_backend(
    Backend(
        name="plain_hooks",
        adapter="interp_example.plain:PlainAdapter",
        package="torch",
        install="pip install torch",
    )
)
