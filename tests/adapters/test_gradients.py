"""Gradients of a number that a run is asked for: those of the graph that ``grad=True`` keeps."""

import torch


def test_gradients_are_those_of_the_graph(tiny):
    tokens, sites = tiny.as_tokens([[5, 17, 42], [7, 8, 9]]), tiny.sites("resid_post")

    def gap(logits):
        return (logits[:, -1, 3] - logits[:, -1, 4]).sum()

    asked = tiny.run(tokens, sites, gradient_of=gap)
    kept = tiny.run(tokens, sites, grad=True)
    expected = torch.autograd.grad(gap(kept.logits), [kept[site] for site in sites])
    for site, gradient in zip(sites, expected, strict=True):
        assert torch.equal(asked.gradients[site], gradient)
        assert torch.equal(asked[site], kept[site].detach())
    assert not asked.logits.requires_grad
    assert not asked[sites[0]].requires_grad
    assert not kept.gradients


def test_without_captures_there_is_nothing_to_differentiate_by(tiny):
    assert not tiny.run("w3 w10", gradient_of=lambda logits: logits.sum()).gradients
