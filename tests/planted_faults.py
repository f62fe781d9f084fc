# ruff: noqa: D101, D102 -- modules for the tests, read together with the table at the end
"""Models with one fault each, planted at a known place, and models that only look as if they had one.

One long file, because a fault is told by file and line: the models stand where the table at the end says that they are.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

ROWS, WIDTH, CLASSES = 8, 16, 3


class Op(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def batch(seed):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(ROWS, WIDTH, generator=draw), torch.randint(0, CLASSES, (ROWS,), generator=draw)


def chain(position, function, activation=nn.Tanh):
    """Six layers with the function after one of them; it is called by the module `fault`."""
    parts = []
    for k in range(6):
        parts += [(f"layer{k}", nn.Linear(WIDTH, WIDTH)), (f"act{k}", activation())]
        if k == position:
            parts.append(("fault", Op(function)))
    parts.append(("head", nn.Linear(WIDTH, CLASSES)))
    network = nn.Sequential()
    for name, part in parts:
        network.add_module(name, part)
    return network


class Inline(nn.Module):
    """The function is called between two modules."""

    def __init__(self, function):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)
        self.function = function

    def forward(self, x):
        return self.head(torch.tanh(self.second(self.function(torch.tanh(self.first(x))))))


class OwnDerivative(torch.autograd.Function):
    """Right on the way there, wrong on the way back."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad / 0


class Attention(nn.Module):
    """One head written by hand, with scores masked by minus infinity."""

    def __init__(self, open_diagonal=True):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.soft, self.head, self.open_diagonal = nn.Softmax(-1), nn.Linear(WIDTH, CLASSES), open_diagonal

    def forward(self, x):
        scores = self.query(x) @ self.key(x).T
        closed = torch.ones(ROWS, ROWS, dtype=torch.bool).triu(1 if self.open_diagonal else 0)
        return self.head(self.soft(scores.masked_fill(closed, -math.inf)) @ self.value(x))


@dataclass
class Batch:
    """Inputs in an object of the user's own."""

    parts: dict


class FromBatch(nn.Module):
    """Takes and returns objects, and computes a number that is no tensor."""

    def __init__(self, function):
        super().__init__()
        self.inner, self.head = chain(3, function), nn.Linear(CLASSES, CLASSES)

    def forward(self, *, given):
        inner = self.inner(given.parts["x"])
        return {"logits": self.head(inner), "extra": Batch({"inner": [inner, 3, "words", None]})}


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cell, self.head = kind(WIDTH, WIDTH, batch_first=True), nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        return self.head(self.cell(x[None])[0][0])


class Twice(nn.Module):
    """Calls one module twice; the second time its input is 0."""

    def __init__(self):
        super().__init__()
        self.log, self.head = Op(torch.log), nn.Linear(WIDTH, CLASSES)
        self.same = self.log

    def forward(self, x):
        return self.head(self.same(self.log(1 + x.abs()) * 0))


class Checkpointed(nn.Module):
    def __init__(self, function, use_reentrant):
        super().__init__()
        self.first, self.block, self.head = nn.Linear(WIDTH, WIDTH), chain(2, function), nn.Linear(CLASSES, CLASSES)
        self.use_reentrant = use_reentrant

    def forward(self, x):
        return self.head(checkpoint(self.block, self.first(x), use_reentrant=self.use_reentrant))


def classify(model, x, y):
    return lambda: functional.cross_entropy(model(x), y)


def with_nan(x, row=2, column=3):
    broken = x.clone()
    broken[row, column] = math.nan
    return broken


def half(seed, dtype, weight):
    x, y = batch(seed)
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES))
    model[2].weight.data.fill_(weight)
    model[0].bias.data.fill_(3.0)
    model.to(dtype)
    return model, lambda: functional.cross_entropy(model(x.to(dtype)).float(), y)


def planted(seed, model, **changes):
    x, y = batch(seed)
    return model, classify(model, changes.get("x", x), changes.get("y", y))


def loss_fault(seed, loss):
    x, y = batch(seed)
    model = chain(9, None)
    return model, lambda: loss(model(x), y)


def broken_parameter(seed):
    model, closure = planted(seed, chain(9, None))
    model.layer3.weight.data[1, 1] = math.nan
    return model, closure


def broken_buffer(seed):
    x, y = batch(seed)
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, CLASSES)).eval()
    model[1].running_var[3] = math.nan
    return model, classify(model, x, y)


def nested_batch(seed):
    x, y = batch(seed)
    model = FromBatch(torch.log)
    return model, lambda: functional.cross_entropy(model(given=Batch({"x": x}))["logits"], y)


def nan_in_nested_batch(seed):
    x, y = batch(seed)
    model, given = FromBatch(torch.tanh), Batch({"x": with_nan(x)})
    return model, lambda: functional.cross_entropy(model(given=given)["logits"], y)


def unmasked_target(seed):
    x, _ = batch(seed)
    y = torch.full((ROWS, CLASSES), math.nan)
    model = chain(9, None)
    return model, lambda: functional.mse_loss(model(x), y)


def nothing_counted(seed):
    x, y = batch(seed)
    model = chain(9, None)
    kept = torch.zeros(ROWS)
    return model, lambda: (functional.cross_entropy(model(x), y, reduction="none") * kept).sum() / kept.sum()


def two_models(seed):
    x, _ = batch(seed)
    model, critic = chain(9, None), nn.Sequential(nn.Linear(CLASSES, WIDTH), Op(torch.log), nn.Linear(WIDTH, WIDTH))
    return model, lambda: critic(model(x)).mean()


def padded(seed, mask_first):
    x, y = batch(seed)
    x[-1] = math.nan
    real = torch.arange(ROWS)[:, None] < ROWS - 1
    model = chain(9, None)

    def closure():
        given = x.where(real, torch.zeros(())) if mask_first else x
        return functional.cross_entropy(model(given), y, reduction="none").where(real[:, 0], torch.zeros(())).mean()

    return model, closure


def lifted_mask(seed, x=None, closed=0):
    """Attention of torch's own with a mask of minus infinities made outside the model."""
    model = nn.MultiheadAttention(WIDTH, 2)
    mask = torch.full((ROWS, ROWS), -math.inf).triu(1 - closed)
    given = batch(seed)[0] if x is None else x
    return model, lambda: model(given, given, given, attn_mask=mask)[0].square().mean()


def constant_roots(h):
    return h + torch.sqrt(h * 0)


def where_trap(h):
    return torch.where(h > 0.1, (h - 0.1).clamp(min=0).log().exp(), h)


class Scripted(nn.Module):
    def forward(self, x):
        return torch.log(x - x)


class WithLoss(nn.Module):
    """Returns its own loss, as many language models do."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(WIDTH, CLASSES)

    def forward(self, x, y):
        return {"loss": functional.cross_entropy(self.body(x) / 0, y)}


class Stateful(nn.Module):
    """Keeps its state, which an earlier batch has broken, in a plain attribute."""

    def __init__(self):
        super().__init__()
        self.body, self.state = nn.Linear(WIDTH, CLASSES), torch.full((ROWS, CLASSES), math.nan)

    def forward(self, x):
        return self.body(x) + self.state


def with_loss(seed):
    x, y = batch(seed)
    model = WithLoss()
    return model, lambda: model(x, y=y)["loss"]


def zero_direction(seed):
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.utils.parametrizations.weight_norm(nn.Linear(WIDTH, CLASSES)))
    model[1].parametrizations.weight.original1.data[1] = 0
    return planted(seed, model)


def impossible_alignment(seed):
    x, _ = batch(seed)
    model, criterion = nn.Linear(WIDTH, 5), nn.CTCLoss()
    target = torch.tensor([[1, 1, 2, 2, 3, 3, 4, 4, 1, 1]])
    return model, lambda: criterion(model(x)[:, None].log_softmax(-1), target, torch.tensor([ROWS]), torch.tensor([10]))


def one_example_at_a_time(seed, function):
    x, y = batch(seed)
    model = chain(2, function)
    return model, lambda: functional.cross_entropy(torch.vmap(model)(x), y)


def penalty_at_zero(seed):
    x, _ = batch(seed)
    model, given = nn.Linear(WIDTH, 1), x.requires_grad_()
    model.weight.data.zero_()

    def closure():
        (grad,) = torch.autograd.grad(model(given).sum(), given, create_graph=True)
        return (grad.square().sum(1).sqrt() - 1).square().mean()

    return model, closure


def hooked(seed):
    model, closure = planted(seed, chain(9, None))
    model.layer3.register_forward_hook(lambda module, given, out: out * math.nan)
    return model, closure


# name: (build(seed) -> model, closure; phase; module)
FAULTS = {
    **{
        f"log of a negative number after layer {k}": (
            lambda s, k=k: planted(s, chain(k, torch.log)),
            "forward",
            "fault",
        )
        for k in (0, 2, 5)
    },
    "row divided by 0": (
        lambda s: planted(s, chain(3, lambda h: h / (h.sum(1, keepdim=True) * 0))),
        "forward",
        "fault",
    ),
    "exp overflows": (lambda s: planted(s, chain(4, lambda h: torch.exp(h * 1e4))), "forward", "fault"),
    "softmax of a row that is all masked": (
        lambda s: planted(s, chain(1, lambda h: torch.softmax(h - math.inf, 1))),
        "forward",
        "fault",
    ),
    "variance of one entry": (
        lambda s: planted(s, chain(1, lambda h: h / h[:, :1].std(1, keepdim=True))),
        "forward",
        "fault",
    ),
    "attention that masks its diagonal": (lambda s: planted(s, Attention(open_diagonal=False)), "forward", "soft"),
    "mask from outside that closes a row": (lambda s: lifted_mask(s, closed=1), "forward", ""),
    "log between two modules": (lambda s: planted(s, Inline(torch.log)), "forward", ""),
    "in-place division after a module": (lambda s: planted(s, Inline(lambda h: h.clone().div_(0))), "forward", ""),
    "objects in and out, by keyword": (nested_batch, "forward", "inner.fault"),
    "second call of one module": (lambda s: planted(s, Twice()), "forward", "log"),
    "log before an in-place ReLU": (
        lambda s: planted(s, chain(2, torch.log, lambda: nn.ReLU(inplace=True))),
        "forward",
        "fault",
    ),
    "a checkpointed block": (lambda s: planted(s, Checkpointed(torch.log, False)), "forward", "block.fault"),
    "a block checkpointed the old way": (lambda s: planted(s, Checkpointed(torch.log, True)), "forward", "block.fault"),
    "float16 overflows in a layer": (lambda s: half(s, torch.float16, 3e4), "forward", "2"),
    "bfloat16 overflows in a layer": (lambda s: half(s, torch.bfloat16, 3e38), "forward", "2"),
    "complex division by 0": (
        lambda s: planted(s, chain(1, lambda h: (torch.complex(h, h) / 0).abs())),
        "forward",
        "fault",
    ),
    "NaN from NumPy inside a module": (
        lambda s: planted(s, chain(2, lambda h: h + torch.from_numpy(h.detach().numpy() * math.nan))),
        "forward",
        "fault",
    ),
    "log in another model": (two_models, "forward", "Sequential.1"),
    "scripted module": (
        lambda s: planted(s, nn.Sequential(nn.Linear(WIDTH, WIDTH), torch.jit.script(Scripted()), nn.Linear(WIDTH, 3))),
        "forward",
        "1",
    ),
    "weight normalization of a row of zeros": (zero_direction, "forward", "1.parametrizations.weight.0"),
    "model that returns its loss": (with_loss, "forward", ""),
    "state kept from an earlier batch": (lambda s: planted(s, Stateful()), "forward", ""),
    "one example at a time": (lambda s: one_example_at_a_time(s, torch.log), "forward", "fault"),
    "hook of the user": (hooked, "forward", "layer3"),
    "loss module whose target cannot be reached": (impossible_alignment, "loss", "CTCLoss"),
    "root of 0, one example at a time": (lambda s: one_example_at_a_time(s, constant_roots), "backward", "fault"),
    "gradient penalty at 0": (penalty_at_zero, "backward", None),
    "root of 0": (lambda s: planted(s, chain(2, constant_roots)), "backward", "fault"),
    "norm of a row of zeros": (
        lambda s: planted(s, chain(1, lambda h: h + ((h * 0) ** 2).sum(1, keepdim=True).sqrt())),
        "backward",
        "fault",
    ),
    "power of 0": (lambda s: planted(s, chain(5, lambda h: h + (h * 0) ** 0.3)), "backward", "fault"),
    "where-trap": (lambda s: planted(s, chain(3, where_trap)), "backward", "fault"),
    "where-trap that a ReLU hides": (
        lambda s: planted(s, chain(3, lambda h: torch.where(h > 0, h.log().exp(), 0), nn.ReLU)),
        "backward",
        "fault",
    ),
    "root of 0 between two modules": (lambda s: planted(s, Inline(constant_roots)), "backward", ""),
    "own autograd function": (lambda s: planted(s, chain(2, OwnDerivative.apply)), "backward", "fault"),
    "root of 0 in a checkpointed block": (
        lambda s: planted(s, Checkpointed(constant_roots, False)),
        "backward",
        "block.fault",
    ),
    "root of 0 in a block checkpointed the old way": (
        lambda s: planted(s, Checkpointed(constant_roots, True)),
        "backward",
        "block.fault",
    ),
    "distances of equal rows in the loss": (
        lambda s: loss_fault(s, lambda out, y: (out[:, None] - out[None]).square().sum(-1).sqrt().mean()),
        "backward",
        None,
    ),
    "infinity only, no NaN": (
        lambda s: loss_fault(s, lambda out, y: ((out - out.detach()).sum()) ** 0.5),
        "backward",
        None,
    ),
    "log of 0 in the loss": (
        lambda s: loss_fault(s, lambda out, y: -torch.log(out.clamp(max=0) * 0).mean()),
        "loss",
        None,
    ),
    "loss divided by a count of 0": (nothing_counted, "loss", None),
    "target on a class masked out": (
        lambda s: loss_fault(
            s, lambda out, y: functional.cross_entropy(out.masked_fill(torch.arange(3) == y[0], -math.inf), y)
        ),
        "loss",
        None,
    ),
    "NaN target": (unmasked_target, "data", None),
    "NaN input": (lambda s: planted(s, chain(9, None), x=with_nan(batch(s)[0])), "data", "layer0"),
    "infinite input": (lambda s: planted(s, chain(9, None), x=with_nan(batch(s)[0]) / 0), "data", "layer0"),
    "minus infinity in the input": (
        lambda s: planted(s, chain(9, None), x=batch(s)[0].masked_fill(torch.eye(ROWS, WIDTH) > 0, -math.inf)),
        "data",
        "layer0",
    ),
    "NaN in an object": (nan_in_nested_batch, "data", "inner.layer0"),
    "NaN input of an LSTM": (lambda s: planted(s, Recurrent(nn.LSTM), x=with_nan(batch(s)[0])), "data", ""),
    "NaN in padding that only the loss masks": (lambda s: padded(s, False), "data", "layer0"),
    "NaN input of an attention with a mask": (lambda s: lifted_mask(s, with_nan(batch(s)[0])), "data", ""),
    "parameter": (broken_parameter, "parameters", None),
    "running variance": (broken_buffer, "parameters", None),
}


class FrozenHead(nn.Module):
    """Has a parameter that is broken but unused, and one without gradient."""

    def __init__(self):
        super().__init__()
        self.body, self.unused = nn.Linear(WIDTH, CLASSES), nn.Parameter(torch.full((2,), math.nan))
        self.body.bias.requires_grad_(False)

    def forward(self, x):
        return self.body(x)


def words(seed):
    model = nn.Sequential(nn.Embedding(9, WIDTH, sparse=True), nn.Flatten(), nn.LazyLinear(CLASSES))
    rows = torch.randint(0, 9, (ROWS, 4), generator=torch.Generator().manual_seed(seed))
    model(rows)
    return model, lambda: functional.cross_entropy(model(rows), rows[:, 0] % CLASSES)


def penalty(seed):
    """A gradient penalty: the closure itself differentiates, which is not a call of backward."""
    x, _ = batch(seed)
    model, given = chain(9, None), x.requires_grad_()

    def closure():
        (grad,) = torch.autograd.grad(model(given).sum(), given, create_graph=True)
        return grad.square().sum()

    return model, closure


# name: build(seed) -> model, closure
HEALTHY = {
    "plain": lambda s: planted(s, chain(9, None)),
    "attention with a mask of minus infinities": lambda s: planted(s, Attention()),
    "torch's attention with such a mask": lifted_mask,
    "transformer layer with such a mask": lambda s: planted(
        s, nn.Sequential(nn.TransformerEncoderLayer(WIDTH, 2, 32, dropout=0.3), nn.Linear(WIDTH, CLASSES))
    ),
    "NaN in padding that is replaced first": lambda s: padded(s, True),
    "NaN replaced by a number": lambda s: planted(s, chain(2, lambda h: torch.nan_to_num(torch.log(h.detach())) + h)),
    "dropout, batch normalization, in-place ReLU": lambda s: planted(
        s,
        nn.Sequential(
            nn.Linear(WIDTH, WIDTH),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(WIDTH, CLASSES),
        ),
    ),
    "in-place arithmetic": lambda s: planted(s, Inline(lambda h: h.mul(2).add_(1).clamp_(0, 1))),
    "argument replaced before the root": lambda s: planted(
        s, chain(3, lambda h: torch.where(h > 0, torch.where(h > 0, h, 1).sqrt(), 0))
    ),
    "running minimum from infinity": lambda s: planted(
        s, chain(1, lambda h: torch.minimum(h, torch.full_like(h, math.inf)))
    ),
    "LSTM": lambda s: planted(s, Recurrent(nn.LSTM)),
    "GRU": lambda s: planted(s, Recurrent(nn.GRU)),
    "old checkpointing": lambda s: planted(s, Checkpointed(torch.tanh, True)),
    "checkpointing": lambda s: planted(s, Checkpointed(torch.tanh, False)),
    "broken but unused parameter": lambda s: planted(s, FrozenHead()),
    "sparse gradient": words,
    "gradient penalty": penalty,
    "bfloat16": lambda s: half(s, torch.bfloat16, 1.0),
    "complex": lambda s: planted(s, chain(1, lambda h: torch.fft.fft(h).abs())),
}
