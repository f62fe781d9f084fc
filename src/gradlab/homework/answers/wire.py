"""Values as bytes and back: a JSON header and raw numbers behind it, never pickle and never eval.

What comes in is believed in nothing. Sizes, depth, shapes and dtypes are held against limits, and a shape against the
bytes that are there, before anything is allocated.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}
MOST_HEADER = 8 << 20
MOST_NUMBERS = 64 << 20
MOST_DEPTH = 24
MOST_PARTS = 400_000
MOST_DIMENSIONS = 16
MOST_DIGITS = 400
MOST_PAIRS, MOST_ODD = 10_000, 1000  # pairs; keys that can be made to share a hash: tuples, floats, long integers
LENGTHS = struct.Struct(">II")  # before each message: the bytes of its header, and of the numbers behind that

Keep = Callable[[Any], int]
Find = Callable[[int, str], Any]


class UnreadableError(ValueError):
    """A value that cannot be sent, or bytes that are no message."""


def pack(message: dict[str, Any], numbers: bytes | bytearray = b"") -> bytes:
    """Return a message as it goes through a pipe.

    Raises
    ------
    UnreadableError
        If it is over the limits.
    """
    header = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    if len(header) > MOST_HEADER or len(numbers) > MOST_NUMBERS:
        raise UnreadableError("too large to be sent")
    return LENGTHS.pack(len(header), len(numbers)) + header + numbers


def lengths(start: bytes) -> tuple[int, int]:
    """Return how many bytes of header and of numbers follow the first 8.

    Raises
    ------
    UnreadableError
        If they are over the limits.
    """
    header, numbers = LENGTHS.unpack(start)
    if header > MOST_HEADER or numbers > MOST_NUMBERS:
        raise UnreadableError("the message is too large")
    return header, numbers


def parse(header: bytes) -> dict[str, Any]:
    """Return the header of a message.

    Raises
    ------
    UnreadableError
        If it is no JSON object, or holds a number that JSON does not have.
    """
    try:
        message = json.loads(header.decode(), parse_constant=_no_constant, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("the message is no JSON") from error
    if not isinstance(message, dict):
        raise UnreadableError("the message is no JSON object")
    return message


def _no_constant(name: str) -> None:
    raise UnreadableError(f"{name} is no JSON")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS + 1:
        raise UnreadableError("an integer of too many digits")
    return int(digits)


class Encoder:
    """Turns values into JSON, and gathers their numbers.

    Parameters
    ----------
    keep : callable, optional
        Takes a value that cannot be sent, and returns the number under which it can be asked for.
    """

    def __init__(self, keep: Keep | None = None) -> None:
        self.keep = keep
        self.numbers = bytearray()
        self._seen: dict[int, tuple[int, Any]] = {}
        self._parts = 0

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return `value` as JSON.

        Raises
        ------
        UnreadableError
            If it is over the limits, or cannot be sent and there is no `keep`.
        """
        self._parts += 1
        if depth > MOST_DEPTH or self._parts > MOST_PARTS:
            raise UnreadableError("nested too deeply" if depth > MOST_DEPTH else "too many parts")
        if value is None or isinstance(value, bool | np.bool_):
            return value if value is None else bool(value)
        if isinstance(value, Tensor | np.ndarray):
            return self._numbers(value)
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int | np.integer):
            return _int(int(value))
        if isinstance(value, float | np.floating):
            number = float(value)
            return number if math.isfinite(number) else {"t": "float", "is": str(number)}
        return self._gathered(value, depth)

    def _gathered(self, value: Any, depth: int) -> Any:
        if isinstance(value, list | tuple):
            kind = "list" if isinstance(value, list) else "tuple"
            return {"t": kind, "of": [self.encode(one, depth + 1) for one in value]}
        if isinstance(value, dict):
            pairs = [[self.encode(key, depth + 1), self.encode(one, depth + 1)] for key, one in value.items()]
            return {"t": "dict", "of": pairs}
        if isinstance(value, Foreign):
            return {"t": "handle", "is": value.number, "type": ""}
        if self.keep is None:
            raise UnreadableError(f"a {type(value).__name__} cannot be sent")
        return {"t": "handle", "is": self.keep(value), "type": str(type(value).__name__)[:80]}

    def _numbers(self, value: Tensor | np.ndarray) -> dict[str, Any]:
        if id(value) in self._seen:
            return {"t": "same", "is": self._seen[id(value)][0]}
        self._seen[id(value)] = len(self._seen), value  # the value is kept, so that its id stays taken
        array = isinstance(value, np.ndarray)
        part = self._raw(_as_tensor(value) if array else value)
        if array:
            return {"t": "array", **part}
        part["parameter"] = isinstance(value, torch.nn.Parameter)
        part["leaf"] = bool(value.requires_grad and value.is_leaf)
        grad = value.grad if value.is_leaf else None
        part["grad"] = None if grad is None else self._raw(grad)
        return {"t": "tensor", **part}

    def _raw(self, value: Tensor) -> dict[str, Any]:
        name = str(value.dtype).removeprefix("torch.")
        if name not in DTYPES or value.layout is not torch.strided:
            raise UnreadableError(f"a tensor of {name} cannot be sent")
        if value.ndim > MOST_DIMENSIONS or value.numel() * value.element_size() + len(self.numbers) > MOST_NUMBERS:
            raise UnreadableError("too many numbers to be sent")
        plain = Tensor.detach(value).as_subclass(Tensor).resolve_conj().resolve_neg().cpu()
        plain = plain.clone(memory_format=torch.contiguous_format)  # contiguous() keeps odd strides of a single entry
        at = len(self.numbers)
        if plain.numel():
            self.numbers += plain.reshape(-1).view(torch.uint8).numpy().tobytes()
        return {"dtype": name, "shape": list(plain.shape), "at": at}


def _int(value: int) -> int:
    if value.bit_length() > 3 * MOST_DIGITS:
        raise UnreadableError("an integer of too many digits")
    return value


def _as_tensor(array: np.ndarray) -> Tensor:
    try:
        plain = np.array(array, copy=True, order="C", subok=False)
        return torch.from_numpy(plain.astype(plain.dtype.newbyteorder("=")))
    except TypeError as error:
        raise UnreadableError(f"an array of {array.dtype} cannot be sent") from error


class Foreign:
    """Something that stayed on the other side, known by its number."""

    def __init__(self, number: int) -> None:
        self.number = number


class Decoder:
    """Turns JSON and its numbers back into values.

    Parameters
    ----------
    numbers : bytes
    find : callable, optional
        Takes the number and the type's name of something that stayed on the other side, and returns what stands for it.
    """

    def __init__(self, numbers: bytes | bytearray | memoryview, find: Find | None = None) -> None:
        self.numbers = memoryview(numbers)
        self.find = find
        self._seen: list[Any] = []
        self._parts = self._odd = self._taken = 0

    def decode(self, coded: Any, depth: int = 0) -> Any:
        """Return the value that `coded` stands for.

        Raises
        ------
        UnreadableError
            If it stands for none, or is over the limits.
        """
        self._parts += 1
        if depth > MOST_DEPTH or self._parts > MOST_PARTS:
            raise UnreadableError("nested too deeply" if depth > MOST_DEPTH else "too many parts")
        if coded is None or isinstance(coded, bool | int | float | str):
            return coded
        if not isinstance(coded, dict):
            raise UnreadableError("a value of no known kind")
        kind = coded.get("t")
        if kind in ("list", "tuple", "dict"):
            return self._gathered(kind, coded.get("of"), depth)
        if kind in ("tensor", "array"):
            self._seen.append(self._tensor(coded) if kind == "tensor" else self._array(coded))
            return self._seen[-1]
        number = coded.get("is")
        if kind == "float" and number in ("nan", "inf", "-inf"):
            return float(number)
        if kind == "same" and _is_count(number) and number < len(self._seen):
            return self._seen[number]
        if kind == "handle" and _is_count(number) and self.find is not None:
            return self.find(number, str(coded.get("type", ""))[:80])
        raise UnreadableError("a value of no known kind")

    def _gathered(self, kind: str, parts: Any, depth: int) -> Any:
        if not isinstance(parts, list):
            raise UnreadableError(f"a {kind} without parts")
        if kind != "dict":
            values = [self.decode(part, depth + 1) for part in parts]
            return values if kind == "list" else tuple(values)
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in parts):
            raise UnreadableError("a dict without pairs")
        self._odd += sum(isinstance(key, dict | float) or (type(key) is int and abs(key) >> 60 > 0) for key, _ in parts)
        if len(parts) > MOST_PAIRS or self._odd > MOST_ODD:
            raise UnreadableError("a dict of too many keys")
        try:
            return {self.decode(key, depth + 1): self.decode(one, depth + 1) for key, one in parts}
        except TypeError as error:
            raise UnreadableError("a dict with a key that no dict can have") from error

    def _tensor(self, coded: dict[str, Any]) -> Tensor:
        value = self._raw(coded)
        if coded.get("parameter") is True and value.is_floating_point():
            value = torch.nn.Parameter(value, requires_grad=False)
        if coded.get("leaf") is True and value.is_floating_point():
            value.requires_grad_(True)
        if coded.get("grad") is not None:
            grad = self._raw(coded["grad"])
            if grad.shape != value.shape or grad.dtype != value.dtype:
                raise UnreadableError("a gradient of another shape or dtype than its tensor")
            value.grad = grad
        return value

    def _array(self, coded: dict[str, Any]) -> np.ndarray:
        if coded.get("dtype") == "bfloat16":
            raise UnreadableError("an array of bfloat16")
        return self._raw(coded).numpy()

    def _raw(self, coded: Any) -> Tensor:
        dtype = DTYPES.get(str(coded.get("dtype"))) if isinstance(coded, dict) else None
        if dtype is None:
            raise UnreadableError("a tensor of no known dtype")
        shape, at = coded.get("shape"), coded.get("at")
        if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS or not all(map(_is_count, [*shape, at])):
            raise UnreadableError("a tensor of no possible shape")
        size = math.prod(shape) * dtype.itemsize
        # the parts of a message may not share numbers, so that small messages do not become large values
        if math.prod(filter(None, shape)) > MOST_NUMBERS or at + size > len(self.numbers) or at < self._taken:
            raise UnreadableError("a tensor whose shape is not that of its numbers")
        self._taken = at + size
        if not size:
            return torch.empty(shape, dtype=dtype)
        flat = torch.frombuffer(bytearray(self.numbers[at : at + size]), dtype=torch.uint8)
        if dtype is torch.bool:  # a byte other than 0 and 1 would be no bool, and torch would not notice
            return (flat != 0).reshape(shape)
        return flat.view(dtype).reshape(shape)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48
