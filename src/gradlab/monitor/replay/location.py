"""What `locate_nonfinite` hands back: where the first NaN or infinity is born, in words and as data."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Literal

Phase = Literal["data", "parameters", "forward", "loss", "backward", "none"]

HEADLINES: dict[str, str] = {
    "data": "the data brings it along",
    "parameters": "it was in the parameters before this batch",
    "forward": "it is born in the forward pass",
    "loss": "it is born in the loss",
    "backward": "it is born in the backward pass; the loss is finite",
    "none": "this batch gives a finite loss and finite gradients",
}


@dataclass(frozen=True)
class Location:
    """Where the first non-finite value of one batch is born.

    Parameters
    ----------
    phase : {"data", "parameters", "forward", "loss", "backward", "none"}
        - "data": a tensor that came from outside (inputs, targets, masks), or code of the closure before any module;
        - "parameters": a parameter or buffer that was not finite before the batch. Replay an earlier checkpoint;
        - "forward": a module, or code between two modules;
        - "loss": a loss module, or code of the closure after the last module;
        - "backward": the loss is finite, a derivative is not;
        - "none": loss and gradients are finite; the fault was not reproduced.
    module : str or None
        The innermost module in which it is born, or into which the data brings it, as ``model.named_modules()`` calls
        it: the model itself is ``""``. A module outside the model goes by its class, such as ``"Critic.2"``. None
        if it is born outside all modules.
    parameter : str or None
        The parameter or buffer that is not finite (phase "parameters"), or the first one, in the model's order, whose
        gradient is not (phase "backward").
    between : tuple of two (str or None), or None
        The modules called before and after the birth, where it is born in code between modules; None for their ends.
    operation : str or None
        The operation, such as ``"log"``; in phase "backward" the one whose derivative it is.
    line : str or None
        The line of Python that called this operation, where it could be found.
    detail : str
        What was seen: the module's class, its input and output, largest magnitude, share of non-finite entries.
    advice : str
        What to try.
    """

    phase: Phase
    module: str | None
    parameter: str | None
    between: tuple[str | None, str | None] | None
    operation: str | None
    line: str | None
    detail: str
    advice: str

    def __str__(self) -> str:
        return "\n".join(f"{name:<8}{text}" for name, text in self._rows())

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left;vertical-align:top">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(text)}</td></tr>'
            for name, text in self._rows()
        )
        return f"<table>{rows}</table>"

    def _rows(self) -> list[tuple[str, str]]:
        """Return the lines that are shown, each with its name."""
        rows = [
            ("First", HEADLINES[self.phase]),
            ("Where", self._where()),
            ("Line", self.line),
            ("Seen", self.detail),
            ("Try", self.advice),
        ]
        return [(name, text) for name, text in rows if text]

    def _where(self) -> str:
        """Return the module, or the code between modules, in words."""
        parts = []
        if self.phase == "parameters":
            parts.append(f"{self.parameter}")
        elif self.module is not None:
            parts.append(self.module or "the model itself")
        elif self.phase != "none":
            parts.append("the closure, outside all modules")
        if self.between is not None:
            before, after = (name or "the model itself" if name is not None else None for name in self.between)
            parts.append(
                " and ".join([f"after {before}"] * (before is not None) + [f"before {after}"] * (after is not None))
            )
        if self.operation:
            parts.append(
                f"in the derivative of {self.operation}" if self.phase == "backward" else f"in {self.operation}"
            )
        return ", ".join(part for part in parts if part)
