"""The forward pass, operation by operation: where a non-finite value that reaches the loss was born."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode  # documented in torch's notes on extending it

from gradlab.monitor.replay.calls import Place
from gradlab.monitor.replay.lines import calling_line
from gradlab.monitor.replay.tensors import described, has_nan, is_finite, looks_like_a_mask, memory_of, tensors_in

# these write over a tensor without reading it
OVERWRITES = {"copy_", "fill_", "zero_", "normal_", "uniform_", "random_", "bernoulli_", "exponential_", "set_"}


@dataclass(eq=False)
class Source:
    """A non-finite tensor: the result of an operation, or one that came from outside.

    Parameters
    ----------
    order : int
        Counts them in the order in which they appeared.
    place : Place
        Where the operation ran, or where the tensor from outside was first used.
    operation : str or None
        Name of the operation; None for a tensor from outside.
    tensor : Tensor
        The result, or one of them; kept so that its memory is not used again.
    nan : bool
        Whether NaN is among the entries.
    parents : list of Source
        The operation's inputs that were not finite.
    by_design : bool
        Whether somebody wrote an infinity on purpose: a constant, or an additive mask.
    inputs, result, line : str or None
        What went in, what came out, and the line of Python that called.
    """

    order: int
    place: Place
    operation: str | None
    tensor: Tensor
    nan: bool
    parents: list[Source] = field(default_factory=list)
    by_design: bool = False
    inputs: str = ""
    result: str = ""
    line: str | None = None


class ForwardTrace(TorchDispatchMode):
    """Keeps every operation with a non-finite result; only those, so that a finite pass costs no memory."""

    def __init__(self, place: Callable[[], Place]) -> None:
        super().__init__()
        self._place = place
        self._latest: dict[int, Source] = {}  # by address of the memory
        self._count = 0
        self._listening = True

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Do not look at what is computed inside."""
        before, self._listening = self._listening, False
        try:
            yield
        finally:
            self._listening = before

    def source_of(self, tensor: Tensor) -> Source:
        """Return where a non-finite tensor came from."""
        address = memory_of(tensor)
        if address not in self._latest:
            self._keep(tensor, None, [], by_design=looks_like_a_mask(tensor))
        return self._latest[address]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not self._listening:
            return func(*args, **kwargs)
        name, given = _name(func), list(tensors_in((args, kwargs)))
        if not func._schema.is_mutable:
            result = func(*args, **kwargs)
            broken = [tensor for tensor in tensors_in(result) if not is_finite(tensor)]
            if broken and "empty" not in name:
                self._note(name, broken, [tensor for tensor in given if not is_finite(tensor)], given, args, kwargs)
            return result
        read = given[1:] if name in OVERWRITES else given
        parents = [tensor for tensor in read if not is_finite(tensor)]  # before it is written over
        sources = [self.source_of(tensor) for tensor in parents]
        seen = "; ".join(described(tensor) for tensor in given[:2])
        result = func(*args, **kwargs)
        written = given if result is None else tensors_in(result)
        broken = [tensor for tensor in written if not is_finite(tensor)]
        if broken and "resize" not in name:
            self._keep_all(name, broken, sources, seen, _has_infinite_number(args, kwargs))
        return result

    def _note(self, name: str, broken: list[Tensor], parents: list[Tensor], given: Any, args: Any, kwargs: Any) -> None:
        """Keep an operation that changed none of its inputs."""
        constant = name == "lift_fresh"  # how torch.tensor(inf) and its like enter
        sources = [] if constant else [self.source_of(tensor) for tensor in parents]
        seen = "; ".join(described(tensor) for tensor in given[:2])
        self._keep_all(name, broken, sources, seen, constant or _has_infinite_number(args, kwargs))

    def _keep_all(self, name: str, broken: list[Tensor], parents: list[Source], seen: str, constant: bool) -> None:
        for tensor in broken:
            by_design = constant and not parents and not has_nan(tensor)
            self._keep(tensor, name, parents, by_design=by_design, inputs=seen, line=calling_line())

    def _keep(self, tensor: Tensor, operation: str | None, parents: list[Source], **more: Any) -> None:
        source = Source(
            self._count, self._place(), operation, tensor, has_nan(tensor), parents, result=described(tensor), **more
        )
        self._count += 1
        self._latest[memory_of(tensor)] = source


def first_source(end: Source, is_parameter: Callable[[Source], bool]) -> Source:
    """Return the birth of what made `end` non-finite.

    A NaN is followed back through NaN only, so that an infinity that some operation takes without harm (a masked
    score before a softmax) is never blamed for it. Where NaN came of infinities, their own births are blamed, unless
    somebody wrote all of them on purpose; then it is the operation that made NaN of them.
    """
    reached = _reached([end], lambda source: source.nan or not end.nan)
    births = [source for source in reached if not any(parent.nan or not end.nan for parent in source.parents)]
    blamed = [first for birth in births for first in _behind(birth)]
    accidents = [source for source in blamed if not source.by_design] or blamed
    return min(accidents, key=lambda source: (not is_parameter(source), source.order))


def _behind(birth: Source) -> list[Source]:
    """Return the births of the infinities that made a NaN, or itself if there are none or all were on purpose."""
    roots = [source for source in _reached(birth.parents, lambda _: True) if not source.parents]
    return [source for source in roots if not source.by_design] or [birth]


def _reached(ends: Iterable[Source], along: Callable[[Source], bool]) -> list[Source]:
    """Return all sources from which one of `ends` was computed, along those that fit."""
    found, waiting = {}, [end for end in ends if along(end)]
    while waiting:
        source = waiting.pop()
        if source not in found:
            found[source] = None
            waiting += [parent for parent in source.parents if along(parent)]
    return list(found)


def _name(func: Any) -> str:
    """Return the plain name of an operation, such as ``log`` for ``aten.log.default``."""
    return func._schema.name.rpartition("::")[2]


def _has_infinite_number(args: Any, kwargs: Any) -> bool:
    """Return whether a plain number among the arguments is infinite or NaN."""
    values = [*args, *kwargs.values()]
    numbers_in = [value for value in values if isinstance(value, numbers.Real) and not isinstance(value, bool)]
    return any(not math.isfinite(value) for value in numbers_in)


def is_from_outside(source: Source) -> bool:
    """Return whether a source is a tensor that no operation made."""
    return source.operation is None
