"""What a worker needs of a node, and how many find room. No Ray here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_interp.cluster.jobs import Model

Node = Mapping[str, float]
"""What a node has, as Ray counts it: ``CPU``, ``GPU``, and ``memory`` in bytes."""
BESIDES = 1 << 30
"""Bytes that a process needs beside the model: torch, and the activations of a pass."""


@dataclass(frozen=True)
class Needs:
    """The share of a node that one worker asks Ray for."""

    cpus: int
    gpus: int
    memory: int
    """Bytes of the host. Loading holds the tensors twice for a moment, as they are read and as they
    are asked for."""

    @classmethod
    def of(cls, model: Model, nodes: Sequence[Node]) -> Needs:
        """Those of a model on these nodes.

        A GPU each where the device is cuda, or where none was asked for and the cluster has some.
        Else the processors of a node are shared by as many workers as its memory holds.
        """
        memory = 2 * model.n_bytes + BESIDES
        asked = model.origin.device
        has_gpus = any(node.get("GPU", 0) >= 1 for node in nodes)
        if str(asked).startswith("cuda") or (asked in (None, "auto") and has_gpus):
            return cls(1, 1, memory)
        shares = [
            int(node["CPU"] // min(node["CPU"], node.get("memory", 0) // memory))
            for node in nodes
            if node.get("CPU", 0) >= 1 and node.get("memory", 0) >= memory
        ]
        return cls(min(shares, default=1), 0, memory)

    def too_much(self, nodes: Sequence[Node]) -> str:
        """Why there is room for no worker, with the numbers."""
        has = "; ".join(
            f"{node.get('CPU', 0):g} CPUs, {node.get('GPU', 0):g} GPUs, "
            f"{node.get('memory', 0) / 1e9:.1f} GB"
            for node in nodes
        )
        return (
            f"a worker needs {self.cpus} CPUs, {self.gpus} GPUs and {self.memory / 1e9:.1f} GB of "
            f"memory, and no node of the cluster has that ({has or 'there is none'}). Start one "
            "with more, or ask for another dtype or device"
        )


def room(needs: Needs, nodes: Sequence[Node]) -> int:
    """How many workers the nodes hold."""
    return sum(
        int(
            min(
                node.get("CPU", 0) // needs.cpus,
                node.get("memory", 0) // needs.memory,
                *([node.get("GPU", 0) // needs.gpus] if needs.gpus else []),
            )
        )
        for node in nodes
    )
