"""Which module is at work: every call of every module while the closure runs, and the code between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.loss import _Loss
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from gradlab.monitor.replay.tensors import described, is_finite, memory_of, tensors_in

SHOWN = 3  # tensors described for each call


@dataclass(eq=False)
class Call:
    """One call of one module.

    Parameters
    ----------
    module : nn.Module
    name : str
        As in `Location.module`.
    other_names : tuple of str
        Further names of the same module in the model.
    number : int
        Counts the calls of this module from 1.
    inside : Call or None
        The call during which it was called.
    inputs : str
        Its input, in words.
    broken_inputs : set of int
        Addresses of the memory of inputs that are not finite.
    output : str
        Its output, in words; empty until it has returned.
    gives_one_number : bool
        Whether the output is a single number.
    has_children : bool
        Whether it called other modules.
    """

    module: nn.Module
    name: str
    other_names: tuple[str, ...]
    number: int
    inside: Call | None
    inputs: str
    broken_inputs: set[int]
    output: str = ""
    gives_one_number: bool = False
    has_children: bool = False

    @property
    def around(self) -> Iterator[Call]:
        """The call itself, the one around it, and so on."""
        call: Call | None = self
        while call is not None:
            yield call
            call = call.inside


@dataclass(eq=False)
class Place:
    """A stretch of code inside one call (None: in the closure), after one call within it and before the next."""

    inside: Call | None
    after: Call | None = None
    before: Call | None = None


@dataclass
class Calls:
    """Follows the calls of modules by hooks that are there only for as long as `followed` lasts."""

    model: nn.Module
    silent: Callable[[], Any]
    on_leave: Callable[[Any, Place], None]
    counts: Counter[nn.Module] = field(default_factory=Counter)
    names: dict[nn.Module, list[str]] = field(default_factory=dict)
    places: list[Place] = field(default_factory=lambda: [Place(None)])

    def __post_init__(self) -> None:
        for name, module in self.model.named_modules(remove_duplicate=False):
            self.names.setdefault(module, []).append(_plain(name))
        self.of_model = set(self.names)
        # a scripted module takes no hooks of its own, but those for all modules reach it
        self._own_hooks = {module for module in self.names if not isinstance(module, torch.jit.ScriptModule)}

    @property
    def place(self) -> Place:
        """Where the program is now."""
        return self.places[-1]

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follow the modules of the model, and all others that happen to be called."""
        with ExitStack() as stack:
            for module in self._own_hooks:
                pre = module.register_forward_pre_hook(self._enter, with_kwargs=True, prepend=True)
                post = module.register_forward_hook(self._leave, with_kwargs=True)
                stack.callback(pre.remove)
                stack.callback(post.remove)
            stack.callback(register_module_forward_pre_hook(self._enter_outsider).remove)
            stack.callback(register_module_forward_hook(self._leave_outsider).remove)
            yield

    def _enter_outsider(self, module: nn.Module, args: Any) -> None:
        if module not in self._own_hooks:
            self._enter(module, args, {})

    def _leave_outsider(self, module: nn.Module, args: Any, output: Any) -> None:
        if module not in self._own_hooks:
            self._leave(module, args, {}, output)

    def _enter(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        """Note that a module is called."""
        with self.silent():
            around = self.place
            if module not in self.names:
                prefix = type(module).__name__
                for name, part in module.named_modules():
                    self.names.setdefault(part, [f"{prefix}.{name}" if name else prefix])
            self.counts[module] += 1
            tensors = list(tensors_in((args, kwargs)))
            name, *others = self.names[module]
            broken = {memory_of(tensor) for tensor in tensors if not is_finite(tensor)}
            call = Call(module, name, tuple(others), self.counts[module], around.inside, in_words(tensors), broken)
            around.before = call
            if around.inside is not None:
                around.inside.has_children = True
            self.places.append(Place(call))

    def _leave(self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        """Note that a module has returned, and with it all calls inside that ended with an error."""
        del args, kwargs
        if not any(place.inside is not None and place.inside.module is module for place in self.places):
            return
        with self.silent():
            while self.place.inside is None or self.place.inside.module is not module:
                self.places.pop()
            self.on_leave(output, self.place)
            call = self.places.pop().inside
            tensors = list(tensors_in(output))
            call.output = in_words(tensors)
            call.gives_one_number = len(tensors) == 1 and tensors[0].numel() == 1
            self.places[-1] = Place(call.inside, after=call)

    def kind_of(self, call: Call) -> str:
        """Return what a module's call is: "model", "loss" or "other"."""
        outermost = list(call.around)[-1]
        if any(isinstance(around.module, _Loss) for around in call.around):
            return "loss"
        if outermost.module in self.of_model:
            return "model"
        return "loss" if outermost.gives_one_number else "other"


def in_words(tensors: list[Tensor]) -> str:
    """Return what some tensors look like, the broken ones first."""
    order = sorted(tensors, key=is_finite)
    more = f"; and {len(order) - SHOWN} more" if len(order) > SHOWN else ""
    return "; ".join(described(tensor) for tensor in order[:SHOWN]) + more


def _plain(name: str) -> str:
    """Return a module's name without what `torch.compile` puts into it."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod")
