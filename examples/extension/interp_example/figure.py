"""A figure: the norms of the residual stream over the layers. Made without pyplot."""

from matplotlib.figure import Figure

from interp_example.experiment import Norms
from pytest_interp.figures import register_figure


def draw_norms(result):
    """A line over the layers."""
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(len(result.norms)), result.norms, marker="o")
    axes.set(xlabel="layer", ylabel="length of the residual stream")
    return figure


register_figure(Norms, draw_norms)
