"""The adapter of a backend: torch hooks on the modules of the Hugging Face model."""

from contextlib import ExitStack

from pytest_interp.adapters import ModelAdapter, behind, twin_with_patterns


class PlainAdapter(ModelAdapter):
    """A model with nothing around it but hooks."""

    backend = "plain_hooks"

    def __init__(self, weights):
        super().__init__(weights)
        self._module = twin_with_patterns(weights, self.layout)

    def _finds(self, kind):
        return self.layout.place(kind) is not None

    def _forward(self, tokens, taps, logits_to_keep, prefix):
        module = self._module
        options = {**behind(module, prefix), "logits_to_keep": logits_to_keep}
        with ExitStack() as hooks:
            for site, tap in taps.items():
                hooks.callback(self._hooked(module, site, tap).remove)
            return module(tokens, **options).logits

    def _hooked(self, module, site, tap):
        """The handle of a hook that shows the tap what flows at the site."""
        block = None
        if site.layer is not None:
            module = block = module.get_submodule(self.layout.blocks)[site.layer]
        place = self.layout.place(site.kind, block)
        module = module.get_submodule(place.path)
        heads = self.sizes.heads_of(site.kind)

        def seen(value):
            new = tap(place.read(value, heads))
            return value if new is None else place.write(value, new, heads)

        def entering(_, args, kwargs):
            if args:
                return (seen(args[0]), *args[1:]), kwargs
            return args, kwargs | {"hidden_states": seen(kwargs["hidden_states"])}

        def leaving(_, args, output):
            return seen(output)

        if place.side == "input":
            return module.register_forward_pre_hook(entering, with_kwargs=True)
        return module.register_forward_hook(leaving)
