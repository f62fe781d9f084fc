"""Replay one batch and say where its first NaN or infinity is born."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from gradlab.monitor.replay import remedies
from gradlab.monitor.replay.calls import Call, Calls, Place
from gradlab.monitor.replay.forward_trace import ForwardTrace, Source, first_source, is_from_outside
from gradlab.monitor.replay.gradient_trace import Birth, Claims, GradientTrace, remembering_lines, saved_tensors
from gradlab.monitor.replay.location import Location, Phase
from gradlab.monitor.replay.tensors import is_finite, memory_of
from gradlab.monitor.replay.untouched import untouched


def locate_nonfinite(model: nn.Module, closure: Callable[[], Tensor]) -> Location:
    """Find where the first NaN or infinity of one batch is born.

    The batch is run once, forward and, if its loss is finite, backward, while every operation is watched. Only values
    that reach the loss or a gradient count: a minus infinity that a softmax takes in, or a NaN that a mask takes out,
    is no fault. Slow, so call it after a failure, not in every step.

    Parameters and buffers, gradients (the very tensors), training mode, hooks and random states are as they were
    before, also after an error. Memory: one copy of the parameters and buffers, and the non-finite results.

    Parameters
    ----------
    model : nn.Module
        Names the modules. Under `torch.compile` it is run without compilation. Under DistributedDataParallel its
        gradients are not averaged: the answer is this process's own.
    closure : callable
        Runs the forward pass on one batch, without arguments, and returns the loss as a tensor with one number. It must
        not call ``backward``. With a GradScaler, return the scaled loss if the gradient overflows only when scaled.

    Returns
    -------
    Location
        Its `Location.phase` is "none" if loss and gradients are finite.

    Raises
    ------
    TypeError
        If `model` is no module, `closure` cannot be called, or what it returns is no tensor.
    ValueError
        If the loss is not one real number, requires no gradient, or `closure` called ``backward``; or if `model` has
        parameters that do not exist yet (lazy modules).

    Notes
    -----
    `torch.autograd.detect_anomaly` finds only NaN, only in the backward pass, and names the operation that met it. What
    modules keep outside tensors and attributes (a list, a file, a generator of their own) is not put back.
    """
    _check(model, closure)
    replay = _Replay(model)
    with untouched(model), replay.watched():
        loss = replay.forward(closure)
        if not is_finite(loss):
            return replay.located_in_forward(loss)
        return replay.located_in_backward(loss)


def _check(model: Any, closure: Any) -> None:
    """Refuse what cannot be replayed."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {model!r}")
    if not callable(closure):
        raise TypeError(f"closure must be a function that runs the forward pass and returns the loss, got {closure!r}")
    lazy = [name for name, parameter in model.named_parameters() if nn.parameter.is_lazy(parameter)]
    if lazy:
        raise ValueError(f"model must have been run once, got lazy parameters {lazy!r}")


def _check_loss(loss: Any, model: nn.Module) -> None:
    """Refuse what is no loss."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"closure must return the loss as a tensor, got {loss!r}")
    if loss.numel() != 1 or loss.is_complex():
        raise ValueError(
            f"closure must return a loss of one real number, got {loss.dtype} of shape {tuple(loss.shape)}"
        )
    if any(parameter.grad is not None for parameter in model.parameters()):
        raise ValueError(f"closure must only run the forward pass, got {loss!r} after a call of backward")
    if not loss.requires_grad:
        raise ValueError(
            f"closure must return a loss that requires a gradient, got {loss!r}: "
            "was it computed under torch.no_grad(), detached, or are all parameters frozen?"
        )


class _Replay:
    """One run of the closure, watched."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.gradients = GradientTrace()
        self.trace = ForwardTrace(lambda: self.calls.place)
        self.calls = Calls(model, self.trace.silent, self.gradients.claim)
        named = [*model.named_parameters(), *model.named_buffers()]
        self.state = {memory_of(tensor): name.replace("_orig_mod.", "") for name, tensor in named if tensor.numel()}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch modules and functions, and leave no hook behind."""
        with ExitStack() as stack:
            stack.callback(self.gradients.close)
            stack.enter_context(_without_compilation())
            stack.enter_context(_without_averaging(self.model))
            stack.enter_context(torch.enable_grad())
            stack.enter_context(self.calls.followed())
            stack.enter_context(Claims(self.gradients, lambda: self.calls.place))
            yield

    def forward(self, closure: Callable[[], Tensor]) -> Tensor:
        """Run the closure and return its loss."""
        with remembering_lines(), self.trace:
            loss = closure()
        _check_loss(loss, self.model)
        self.gradients.claim(loss, self.calls.place)
        return loss

    def located_in_forward(self, loss: Tensor) -> Location:
        """Say what made the loss non-finite."""
        source = first_source(self.trace.source_of(loss), lambda source: self._name_of(source) is not None)
        return self._from_source(source, "")

    def located_in_backward(self, loss: Tensor) -> Location:
        """Say what made a gradient non-finite, if one is."""
        broken = self.gradients.run(loss, self.model.parameters())
        birth = self.gradients.first_birth(broken)
        if birth is None:
            return self._nothing_found(loss)
        source = self._kept_source(birth)
        names = {parameter: name.replace("_orig_mod.", "") for name, parameter in self.model.named_parameters()}
        hit = {leaf for leaf in broken.values()}
        parameter = next((name for leaf, name in names.items() if leaf in hit), None)
        if source is not None and broken:
            note = f" It does not reach the loss, but the derivative of {birth.operation} multiplies by it."
            return self._from_source(source, note, parameter)
        return self._from_birth(birth, parameter, len(hit))

    def _kept_source(self, birth: Birth) -> Source | None:
        """Return where a non-finite value came from that the derivative only met; None if the derivative made it."""
        if birth.node is None or birth.summed:
            return None
        kept = [tensor for tensor in saved_tensors(birth.node) if not is_finite(tensor)]
        sources = [first_source(self.trace.source_of(tensor), self._is_state) for tensor in kept]
        accidents = [source for source in sources if not source.by_design]
        return min(accidents, key=lambda source: source.order, default=None)

    def _name_of(self, source: Source) -> str | None:
        """Return the parameter or buffer that a source is; None if it is none."""
        return self.state.get(memory_of(source.tensor)) if is_from_outside(source) else None

    def _is_state(self, source: Source) -> bool:
        return self._name_of(source) is not None

    def _from_source(self, source: Source, note: str, parameter: str | None = None) -> Location:
        """Describe a birth in the forward pass."""
        state, place, call = self._name_of(source), source.place, source.place.inside
        phase = self._phase_of(source)
        if state is not None:
            advice, seen = remedies.PARAMETERS, f"{state} is {source.result}."
            return Location(phase, None, state, None, None, None, seen + note, advice)
        if is_from_outside(source):
            seen = (
                f"A tensor that no operation of this batch made is {source.result}. It enters {self._in_words(place)}"
            )
            late = call is None and place.before is None
            advice = remedies.TARGETS if late else remedies.DATA
        else:
            seen = f"{source.operation} got {source.inputs or 'no tensor'}; it gave {source.result}."
            seen += f" This is {self._in_words(place)}"
            seen += " Somebody wrote this infinity on purpose, but it reaches the loss." * source.by_design
            advice = remedies.for_forward(source.operation, source.tensor.dtype, source.nan)
            advice = remedies.DATA if phase == "data" else advice
        return Location(
            phase, self._module(call), parameter, _between(place), source.operation, source.line, seen + note, advice
        )

    def _from_birth(self, birth: Birth, parameter: str | None, hit: int) -> Location:
        """Describe a birth in the backward pass."""
        call, place = birth.place.inside, birth.place
        if birth.summed:
            seen, advice = (
                f"Gradients are finite one by one, their sum is not, {self._in_words(place)}",
                remedies.SUMMED,
            )
        else:
            seen = f"The derivative of {birth.operation} got a gradient of {birth.came}; it gave {birth.left}."
            seen += f" This is {self._in_words(place)}"
            dtypes = [tensor.dtype for tensor in saved_tensors(birth.node)]
            advice = remedies.for_backward(birth.operation, dtypes[0] if dtypes else None)
        seen += f" It reaches the gradient of {hit} parameter{'s' * (hit > 1)}." * bool(hit)
        seen += " In this batch something discards it before it reaches a parameter." * (not hit)
        return Location(
            "backward", self._module(call), parameter, _between(place), birth.operation, birth.line, seen, advice
        )

    def _nothing_found(self, loss: Tensor) -> Location:
        """Say that all is finite."""
        broken = [name for name, parameter in self.model.named_parameters() if not is_finite(parameter)]
        seen = f"The loss is {loss.item():.4g}, and every gradient is finite."
        seen += f" Not finite, but without effect on this batch: {', '.join(broken)}." * bool(broken)
        return Location("none", None, None, None, None, None, seen, remedies.NONE)

    def _phase_of(self, source: Source) -> Phase:
        """Return the phase of a birth in the forward pass."""
        place = source.place
        if self._is_state(source):
            return "parameters"
        if is_from_outside(source):
            return "data" if self._was_given(source) else "forward"
        if place.inside is not None:
            return "loss" if self.calls.kind_of(place.inside) == "loss" else "forward"
        if place.before is None or self.calls.kind_of(place.before) == "loss":
            return "loss"
        return "data" if place.after is None else "forward"

    def _was_given(self, source: Source) -> bool:
        """Return whether a tensor from outside came with the batch, and was not kept or made by a module itself."""
        call = source.place.inside
        return call is None or any(memory_of(source.tensor) in around.broken_inputs for around in call.around)

    def _module(self, call: Call | None) -> str | None:
        return None if call is None else call.name

    def _in_words(self, place: Place) -> str:
        """Return a place in words."""
        call = place.inside
        if call is None:
            return f"in the closure, outside all modules{_neighbours(place)}."
        name, kind = call.name or "the model itself", type(call.module).__name__
        also = f", also known as {', '.join(call.other_names)}" if call.other_names else ""
        calls = self.calls.counts[call.module]
        which = f", in its call {call.number} of {calls}" if calls > 1 else ""
        looks = f"Input of the module: {call.inputs or 'no tensor'}. Output: {call.output or 'not there yet'}."
        return f"in {name} ({kind}){also}{which}{_neighbours(place) * call.has_children}. {looks}"


def _between(place: Place) -> tuple[str | None, str | None] | None:
    """Return the names of the modules around a stretch of code; None inside a module that calls no other."""
    if place.inside is not None and not place.inside.has_children:
        return None
    names = tuple(None if call is None else call.name for call in (place.after, place.before))
    return None if names == (None, None) else names


def _neighbours(place: Place) -> str:
    after = "" if place.after is None else f" after {place.after.name or 'the model'}"
    before = "" if place.before is None else f" before {place.before.name or 'the model'}"
    return "," * bool(after or before) + after + " and" * bool(after and before) + before


@contextmanager
def _without_compilation() -> Iterator[None]:
    """Let compiled modules and functions run as they were written; nothing to do if nothing was ever compiled.

    In torch 2.13 compiled code stands back by itself while operations are watched; this makes sure of it.
    """
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with warnings.catch_warnings(), torch.compiler.set_stance("force_eager"):
        warnings.filterwarnings("ignore", "Using `torch.compile")  # that our hooks see the wrapper twice
        yield


def _without_averaging(model: nn.Module) -> AbstractContextManager[Any]:
    """Keep DistributedDataParallel from waiting for gradients that it will never get."""
    no_sync = getattr(model, "no_sync", None)
    return no_sync() if callable(no_sync) else nullcontext()
