"""The backward pass, node by node: where a non-finite gradient that reaches a parameter was born."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode

from gradlab.monitor.replay.calls import Place
from gradlab.monitor.replay.lines import line_of
from gradlab.monitor.replay.tensors import described, is_finite, tensors_in, unwrapped

OLD_CHECKPOINT = "CheckpointFunctionBackward"


@dataclass
class Flow:
    """What went through one node on the way back."""

    order: int
    broken_in: bool
    broken_out: list[int]
    came: str
    left: str


@dataclass(eq=False)
class Birth:
    """Where a gradient became non-finite: at a node, or (`node` None) in the sum of a parameter's gradients."""

    node: Node | None
    place: Place
    leaf: Tensor | None
    came: str = ""
    left: str = ""
    summed: bool = False

    @property
    def operation(self) -> str | None:
        """Name of the forward operation whose derivative it is, as torch spells functions."""
        if self.node is None:
            return None
        name = re.sub(r"Backward\d*$", "", self.node.name().rpartition("::")[2])
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

    @property
    def line(self) -> str | None:
        """The line that called the operation."""
        return None if self.node is None else line_of(self.node.metadata.get("traceback_") or ())


@dataclass
class GradientTrace:
    """Knows for every node of the graph where it was made, and what went through it."""

    owners: dict[Node, Place] = field(default_factory=dict)
    leaves: dict[Node, Tensor] = field(default_factory=dict)
    flows: dict[Node, Flow] = field(default_factory=dict)
    listening: bool = False
    _handles: list[Any] = field(default_factory=list)

    def claim(self, value: Any, place: Place) -> None:
        """Note that what led to the tensors in `value`, and is not known yet, was computed at `place`."""
        waiting = [unwrapped(tensor).grad_fn for tensor in tensors_in(value)]
        while waiting:
            node = waiting.pop()
            if node is None or node in self.owners:
                continue
            self.owners[node] = place
            if hasattr(node, "variable"):
                self.leaves[node] = node.variable
            else:
                self._handles.append(node.register_hook(partial(self._ran, node)))
            waiting += [following for following, _ in node.next_functions]

    def close(self) -> None:
        """Leave no hook behind."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _ran(self, node: Node, grad_inputs: Iterable[Tensor | None], grad_outputs: Iterable[Tensor | None]) -> None:
        """Note what went through a node."""
        if not self.listening or node in self.flows:
            return
        came = [grad for grad in grad_outputs if grad is not None]
        left = [(k, grad) for k, grad in enumerate(grad_inputs) if grad is not None]
        broken_in = not all(map(is_finite, came))
        broken_out = [k for k, grad in left if not is_finite(grad)]
        interesting = bool(broken_in or broken_out)
        self.flows[node] = Flow(
            len(self.flows),
            broken_in,
            broken_out,
            "; ".join(described(grad) for grad in came[:2]) * interesting,
            "; ".join(described(grad) for k, grad in left if k in broken_out[:2]),
        )

    def run(self, loss: Tensor, parameters: Iterable[Tensor]) -> dict[Node, Tensor]:
        """Run the backward pass; return the leaves whose gradient is not finite."""
        self.listening = True
        leaves = {node: leaf for node, leaf in self.leaves.items() if leaf.requires_grad}
        if any(node.name() == OLD_CHECKPOINT for node in self.owners):
            gradients = self._accumulated(loss, parameters)
        elif leaves:
            found = torch.autograd.grad(loss, list(leaves.values()), retain_graph=True, allow_unused=True)
            gradients = dict(zip(leaves, found, strict=True))
        else:
            gradients = {}
        return {node: self.leaves[node] for node, grad in gradients.items() if grad is not None and not is_finite(grad)}

    def _accumulated(self, loss: Tensor, parameters: Iterable[Tensor]) -> dict[Node, Tensor | None]:
        """Run ``backward()``: the older kind of checkpointing forbids `torch.autograd.grad`.

        The model's gradients are put back by `untouched`; those of other leaves here. Hooks that run after a gradient
        is complete are kept from running: they may hold an optimizer.
        """
        known = {id(leaf): leaf for leaf in [*self.leaves.values(), *parameters] if leaf.requires_grad}.values()
        grads = [(leaf, leaf.grad) for leaf in known]
        hooks = [(own, dict(own)) for leaf in known if (own := leaf._post_accumulate_grad_hooks)]
        for leaf in known:
            leaf.grad = None
        for own, _ in hooks:
            own.clear()
        try:
            loss.backward(retain_graph=True)
            return {node: leaf.grad for node, leaf in self.leaves.items()}
        finally:
            for leaf, grad in grads:
                leaf.grad = grad
            for own, before in hooks:
                own.update(before)

    def first_birth(self, broken: dict[Node, Tensor]) -> Birth | None:
        """Return the earliest birth from which a non-finite gradient flowed into one of the broken leaves.

        Without broken leaves it is the earliest birth of all: something after it discarded its gradient. None if there
        is none.
        """
        producers: dict[Node, list[Node]] = {}
        for node, flow in self.flows.items():
            for k in flow.broken_out:
                producers.setdefault(node.next_functions[k][0], []).append(node)
        waiting = list(broken) or [node for node, flow in self.flows.items() if flow.broken_out]
        seen, births = set(), []
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            flow = self.flows.get(node)
            came_from = producers.get(node, []) if flow is None or flow.broken_in else []
            waiting += came_from
            if not came_from:
                births.append(node)
        first = min(births, key=self._order, default=None)
        return None if first is None else self._birth(first)

    def _order(self, node: Node) -> int:
        """Return when a gradient went through a node; a sum of gradients is complete only at the end."""
        return self.flows[node].order if node in self.flows else len(self.flows)

    def _birth(self, node: Node) -> Birth:
        flow, leaf = self.flows.get(node), self.leaves.get(node)
        if flow is None:
            return Birth(None, self.owners[node], leaf, summed=True)
        return Birth(node, self.owners[node], leaf, flow.came, flow.left, summed=flow.broken_in)


class Claims(TorchFunctionMode):
    """Gives each result of a torch function to the place where it was computed, as soon as it is there."""

    def __init__(self, gradients: GradientTrace, place: Callable[[], Place]) -> None:
        super().__init__()
        self._gradients, self._place = gradients, place

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        changed = args[:1] if result is None else result  # such as x[0] = y
        self._gradients.claim(changed, self._place())
        return result


@contextmanager
def remembering_lines() -> Iterator[None]:
    """Let torch keep, for each node, the stack of Python that made it."""
    before, check_nan = torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()
    torch.autograd.set_detect_anomaly(True, check_nan=False)
    try:
        yield
    finally:
        torch.autograd.set_detect_anomaly(before, check_nan)


def saved_tensors(node: Node) -> list[Tensor]:
    """Return the tensors that the forward pass kept for a node's derivative."""
    found: list[Tensor] = []
    for name in dir(node):
        if name.startswith("_saved_") or name == "saved_tensors":
            try:
                found += tensors_in(getattr(node, name))
            except Exception:  # recomputed ones may be gone; without them the node itself is named
                continue
    return found
