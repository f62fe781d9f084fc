"""What goes through the pipe comes out as it was; what lies about itself is refused before anything is allocated."""

import json
import math
import random
import tracemalloc

import numpy as np
import pytest
import torch

from gradlab.homework.answers import wire
from gradlab.homework.answers.wire import Decoder, Encoder, UnreadableError

VALUES = [
    *(None, True, False, 0, -3, 2**80, 0.1, "", "é\n\ud800", [], (), {}, [1, (2.0, [None])], {1: "a", (2, "b"): [3]}),
    *(math.inf, -math.inf, np.float32(0.5).item()),
]
TENSOR = {"t": "tensor", "dtype": "float64", "shape": [2], "at": 0}


def through(value, find=None, keep=None):
    encoder = Encoder(keep)
    coded = encoder.encode(value)
    message = wire.pack({"value": coded}, encoder.numbers)
    header, numbers = wire.lengths(message[:8])
    assert len(message) == 8 + header + numbers
    return Decoder(message[8 + header :], find).decode(wire.parse(message[8 : 8 + header])["value"])


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_value_comes_back_as_it_was(value):
    assert through(value) == value
    assert type(through(value)) is type(value)


def test_nan_comes_back():
    assert math.isnan(through(math.nan))


@pytest.mark.parametrize("name", wire.DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)], ids=str)
def test_tensor_comes_back_with_its_dtype_and_shape(name, shape):
    tensor = torch.arange(math.prod(shape)).reshape(shape).to(wire.DTYPES[name])
    back = through([tensor.T if tensor.ndim == 2 else tensor])[0]
    assert back.dtype == tensor.dtype
    assert torch.equal(back, tensor)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "bool", ">f8"])
def test_array_comes_back_as_an_array(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)[:, ::-1]
    back = through(array)
    assert isinstance(back, np.ndarray)
    assert back.dtype == array.dtype.newbyteorder("=")
    assert (back == array).all()


def test_parameter_comes_back_as_one_with_its_gradient():
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.full((3,), 2.0)
    back = through(weight)
    assert isinstance(back, torch.nn.Parameter)
    assert back.requires_grad
    assert torch.equal(back.grad, weight.grad)


def test_tensor_that_was_computed_comes_back_detached():
    assert not through(torch.ones(2, requires_grad=True) * 2).requires_grad


def test_the_same_tensor_twice_comes_back_as_the_same():
    tensor = torch.ones(2)
    first, second = through([tensor, tensor])
    assert first is second


def test_what_cannot_be_sent_is_kept_and_found_by_its_number():
    kept = []
    back = through([len], find=lambda number, kind: (number, kind), keep=lambda value: kept.append(value) or 7)
    assert back == [(7, "builtin_function_or_method")]
    assert kept == [len]


@pytest.mark.parametrize(
    "value",
    [10**2000, torch.ones(2, dtype=torch.complex64), np.array(["a"]), torch.eye(2).to_sparse(), len, 2j],
    ids=["long integer", "complex", "texts", "sparse", "function", "complex number"],
)
def test_what_is_no_data_is_not_sent(value):
    with pytest.raises(UnreadableError):
        Encoder().encode(value)


@pytest.mark.parametrize("value", ["deep", "wide", "large", "own"])
def test_what_is_too_much_is_not_sent(value):
    values = {"wide": [0] * 500_000, "large": torch.zeros(9 << 20, dtype=torch.float64), "deep": [], "own": []}
    values["own"].append(values["own"])
    for _ in range(50):
        values["deep"] = [values["deep"]]
    with pytest.raises(UnreadableError):
        Encoder().encode(values[value])


LIES = {
    "more numbers than there are": {**TENSOR, "shape": [3]},
    "numbers beyond the end": {**TENSOR, "at": 8},
    "a petabyte": {**TENSOR, "shape": [1 << 47]},
    "product beyond 64 bits": {**TENSOR, "shape": [1 << 40] * 8},
    "nothing times much": {**TENSOR, "shape": [0, 1 << 40, 1 << 40]},
    "negative": {**TENSOR, "shape": [-2, -1]},
    "not whole": {**TENSOR, "shape": [2.0]},
    "bool": {**TENSOR, "shape": [True, 2]},
    "no shape": {**TENSOR, "shape": "2"},
    "too many dimensions": {**TENSOR, "shape": [1] * 70},
    "no dtype": {**TENSOR, "dtype": "object"},
    "dtype that is a list": {**TENSOR, "dtype": ["float64"]},
    "attribute of torch": {**TENSOR, "dtype": "load"},
    "gradient of another shape": {**TENSOR, "shape": [1], "grad": {**TENSOR, "shape": [1, 1], "at": 8}},
    "array of bfloat16": {"t": "array", "dtype": "bfloat16", "shape": [2], "at": 0},
    "the same as none": {"t": "same", "is": 0},
    "handle where there are none": {"t": "handle", "is": 0},
    "unknown kind": {"t": "pickle", "is": "gASV"},
    "list without parts": {"t": "list", "of": 3},
    "pairs of three": {"t": "dict", "of": [[1, 2, 3]]},
    "key that cannot be one": {"t": "dict", "of": [[{"t": "list", "of": []}, 1]]},
    "plain list": [1],
}


@pytest.mark.parametrize("coded", LIES.values(), ids=LIES)
def test_lie_is_refused_without_being_given_memory(coded):
    tracemalloc.start()
    with pytest.raises(UnreadableError):
        Decoder(bytes(16)).decode(coded)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_the_same_numbers_are_not_used_twice():
    with pytest.raises(UnreadableError):
        Decoder(bytes(16)).decode({"t": "list", "of": [TENSOR, TENSOR]})


def test_bool_that_is_neither_0_nor_1_becomes_one():
    back = Decoder(b"\x00\x02\xff").decode({"t": "tensor", "dtype": "bool", "shape": [3], "at": 0})
    assert back.tolist() == [False, True, True]
    assert (back == torch.tensor([False, True, True])).all()


@pytest.mark.parametrize(
    "header", [b"[1]", b"{", b'{"a": NaN}', b"[" * 100_000, b"\xff", b'{"a": 1' + b"0" * 5000 + b"}"]
)
def test_header_that_is_no_json_object_is_refused(header):
    with pytest.raises(UnreadableError):
        wire.parse(header)


def test_length_over_the_limit_is_refused():
    with pytest.raises(UnreadableError):
        wire.lengths(b"\xff" * 8)


@pytest.mark.parametrize("seed", range(20))
def test_garbled_message_is_read_or_refused_and_nothing_else(seed):
    chance = random.Random(seed)
    encoder = Encoder(lambda value: 0)
    text = json.dumps(encoder.encode([torch.ones(3), {"a": (1, 2.5)}, np.ones((2, 2)), len, math.inf]))
    for _ in range(200):
        garbled = list(text)
        for _ in range(chance.randint(1, 4)):
            garbled[chance.randrange(len(garbled))] = chance.choice('{}[]",:0123456789-eE.tnaulf')
        try:
            Decoder(bytes(encoder.numbers), lambda *_: None).decode(json.loads("".join(garbled)))
        except (UnreadableError, json.JSONDecodeError):
            continue
