"""Experiments on sets of facts, computed by the machines of a Ray cluster.

The set is cut into the parts that one machine computes together; workers, each with the model,
compute them; what comes back is results. Only :mod:`pytest_interp.cluster.nodes` imports Ray.
"""
