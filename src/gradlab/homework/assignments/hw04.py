"""Homework 4: normalisation and residuals. After chapters 12 and 15."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from gradlab.homework.assignments.hw04_trials import (
    a_batch,
    activation_on_normal,
    blocks_in,
    layer,
    measured_factor,
    measured_growth,
    own_network,
    require_growth,
    require_learning,
    require_slope,
    scale_on_paper,
    three_of,
)
from gradlab.homework.checks import (
    Answer,
    Draw,
    Homework,
    Words,
    require,
    require_close,
    require_number,
    require_tensor,
)

homework = Homework("hw04", "Normalisation and residuals")


# q1: batch normalisation --------------------------------------------------------------------------------------------

batch_norm = homework.question("q1", "Batch normalisation, both ways", asks_for="batch_norm")
CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # what float32 in between still meets


@batch_norm.requires("gives each unit the mean beta and the standard deviation gamma", points=2)
def _(answer: Answer, draw: Draw) -> None:
    x, gamma, beta, mean, var = a_batch(draw, 6, 4)
    tried = "batch_norm in training, on a batch of 6 examples and 4 units"
    y, _, _ = three_of(answer(x, gamma, beta, mean, var, True), x, tried)
    require_close(y.mean(dim=0), beta, tried=tried, expected="over the batch, each unit's mean is its beta", **CLOSE)
    spread = (y - y.mean(dim=0)).square().mean(dim=0).sqrt()
    variance = x.var(dim=0, correction=0)
    expected = "over the batch, each unit's mean squared distance from its mean is its gamma squared, but for eps"
    truth = gamma * (variance / (variance + 1e-5)).sqrt()
    require_close(spread, truth, tried=tried, expected=expected, rtol=1e-3)
    straight = torch.corrcoef(torch.cat([x, y], dim=1).T)[:4, 4:].diagonal()
    require((straight > 0.9999).all(), tried=tried, got=y, expected="within a unit, the examples keep their order")


@batch_norm.requires("moves the averages a part of the way, and changes nothing it was given", points=2)
def _(answer: Answer, draw: Draw) -> None:
    given = a_batch(draw, draw.integer(3, 6), 5)
    x, mean, var = given[0], given[3], given[4]
    momentum = draw.number(0.2, 0.4)
    tried = f"batch_norm in training, on {len(x)} examples, with momentum={momentum:g}"
    got, left = answer.after(*given, True, momentum=momentum)
    _, new_mean, new_var = three_of(got, x, tried)
    for new, old, batch, what in ((new_mean, mean, x.mean(dim=0), "mean"), (new_var, var, x.var(dim=0), "variance")):
        require_close(
            new,
            old + momentum * (batch - old),
            tried=f"{tried}, the new {what}",
            expected=f"{momentum:g} of the way from the old one to the batch's, the variance being the unbiased one",
            **CLOSE,
        )
    same = all(
        isinstance(after, Tensor) and torch.equal(after, before) for after, before in zip(left, given, strict=False)
    )
    require(same, tried=tried, got=Words("arguments changed in place"), expected="the tensors given stay as they were")


@batch_norm.requires("uses the averages in evaluation, for one example as for many", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for examples in (1, 4):
        x, gamma, beta, mean, var = given = a_batch(draw, examples, 3)
        tried = f"batch_norm in evaluation, on {examples} example{'s'[: examples - 1]}"
        y, new_mean, new_var = three_of(answer(*given, False), x, tried)
        truth = functional.batch_norm(x, mean, var, gamma, beta, training=False)
        require_close(y, truth, tried=tried, expected="what PyTorch's module gives after eval()", **CLOSE)
        for new, old in ((new_mean, mean), (new_var, var)):
            require_close(new, old, tried=tried, expected="the averages, as they were given")


@batch_norm.requires("agrees with PyTorch over several batches and an evaluation", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    units, momentum, eps = 4, draw.number(0.05, 0.5), draw.number(0.1, 1)
    _, gamma, beta, mean, var = a_batch(draw, 2, units)
    true_mean, true_var = mean.clone(), var.clone()
    for batch in range(5):
        training = batch < 4
        x = a_batch(draw, draw.integer(2, 9), units)[0]
        tried = f"batch {batch + 1} of five, momentum={momentum:g}, eps={eps:g}, training={training}"
        got = three_of(answer(x, gamma, beta, mean, var, training, momentum=momentum, eps=eps), x, tried)
        y, mean, var = got
        truth = functional.batch_norm(x, true_mean, true_var, gamma, beta, training, momentum, eps)
        for one, true in ((y, truth), (mean, true_mean), (var, true_var)):
            require_close(one, true, tried=tried, expected="what nn.BatchNorm1d does with these batches", **CLOSE)


@batch_norm.requires("copes with a unit that never varies", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    x, gamma, beta, mean, var = a_batch(draw, 5, 3)
    x[:, 1] = draw.integer(-5, 5)
    tried = "batch_norm in training, a unit having the same input in all examples"
    y, _, _ = three_of(answer(x, gamma, beta, mean, var, True), x, tried)
    require_close(y[:, 1], beta[1].repeat(5), tried=tried, expected="that unit gives its beta, and no NaN", **CLOSE)


# q2: the scale that does not matter ---------------------------------------------------------------------------------

invariance = homework.question("q2", "The scale that does not matter", asks_for="weight_gradient")


@invariance.requires("is at right angles to the weights of each unit", points=1)
def _(answer: Answer, draw: Draw) -> None:
    x, weight, error = layer(draw)
    tried = "weight_gradient of a layer of 3 units, at scale 1"
    got = require_tensor(answer(x, weight, error, 1.0), (3, 5), tried=tried).double()
    require((got.norm(dim=1) > 1e-3).all(), tried=tried, got=got, expected="a gradient that is not zero")
    cosines = functional.cosine_similarity(got, weight).abs()
    require((cosines < 1e-3).all(), tried=tried, got=cosines, expected="a cosine of 0 for every unit's row of weights")


@invariance.requires("is smaller by as much as the weights are larger", points=1)
def _(answer: Answer, draw: Draw) -> None:
    x, weight, error = layer(draw)
    one = require_tensor(answer(x, weight, error, 1.0), (3, 5), tried="weight_gradient at scale 1").double()
    for scale in (4.0, 0.125):
        tried = f"weight_gradient at scale {scale:g}, times {scale:g}"
        got = scale * require_tensor(answer(x, weight, error, scale), (3, 5), tried=tried).double()
        require_close(got, one, tried=tried, expected="the gradient at scale 1", rtol=1e-3, atol=1e-5)


@invariance.requires("foretells the change of the loss", points=2)
def _(answer: Answer, draw: Draw) -> None:
    require_slope(answer, draw, 1.0, 12)
    require_slope(answer, draw, draw.number(2, 5), 12)


@invariance.requires("does so for tiny and huge weights, and small batches", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    for scale, examples in ((1e-3, 10), (1e3, 10), (draw.number(0.3, 3), 4)):
        require_slope(answer, draw, scale, examples)


# q3: which normalisation explodes -----------------------------------------------------------------------------------

theory = homework.question("q3", "Which normalisation explodes", asks_for="growth")


@theory.requires("is the chapter's factor for ReLU", points=2)
def _(answer: Answer, draw: Draw) -> None:
    values, slopes = activation_on_normal("relu")
    for norm, truth in (("batch", math.sqrt(math.pi / (math.pi - 1))), ("layer", 1.0)):
        tried = f'growth of ReLU with norm="{norm}"'
        require_close(answer(values, slopes, norm), truth, tried=tried, expected="the factor of chapter 12", rtol=1e-3)


@theory.requires("is 1 for a straight line in batches, wherever it lies", points=1)
def _(answer: Answer, draw: Draw) -> None:
    u = activation_on_normal("linear")[0]
    slope, shift = draw.number(0.3, 3), draw.number(1, 4)
    tried = f'growth of the activation {slope:g} u + {shift:g} with norm="batch"'
    got = answer(slope * u + shift, torch.full_like(u, slope), "batch")
    require_close(got, 1.0, tried=tried, expected="1: what has no bend does not explode", rtol=1e-3)


@theory.requires("holds for activations of any shape", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    values, slopes = activation_on_normal("gelu")
    tail, shift = draw.number(0.2, 0.8), draw.number(0.3, 1)
    values, slopes = values + tail * (values - shift), slopes * (1 + tail)
    mean_square = values.square().mean()
    for norm, below in (("batch", mean_square - values.mean() ** 2), ("layer", mean_square)):
        truth = float((slopes.square().mean() / below).sqrt())
        tried = f'growth of a curved activation with norm="{norm}"'
        require_close(answer(values, slopes, norm), truth, tried=tried, expected="the factor per layer", rtol=1e-3)


@theory.requires("foretells what real networks do", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    for activation, norm in (("gelu", "batch"), ("sigmoid", "layer")):
        tried = f'growth of {activation} with norm="{norm}", beside networks of 24 layers'
        measured = measured_factor(activation, norm, draw)
        expected = "the growth per layer that is measured in them, within 6 %"
        require_close(
            answer(*activation_on_normal(activation), norm), measured, tried=tried, expected=expected, rtol=0.06
        )


# q4: the student's own numbers: a branch scale ----------------------------------------------------------------------

own_scale = homework.question("q4", "A budget for your branches", asks_for="branch_scale", personal=own_network)


@own_scale.requires("keeps to your factor in networks that are measured", points=2)
def _(answer: Answer, draw: Draw) -> None:
    got = require_number(answer.value, tried="branch_scale")
    require(0 < got < 10, tried="branch_scale", got=got, expected="a positive scale that is not absurd")
    grown, factor = measured_growth(draw.personal, got, draw), draw.personal["factor"]
    require(
        0.8 < grown / factor < 1.25,
        tried="the gradient's growth through three networks with your numbers and branch_scale",
        got=grown,
        expected="your factor of {:g}, give or take: from {:g} to {:g}".format(
            *(draw.personal["factor"] * t for t in (1, 0.8, 1.25))
        ),
    )


@own_scale.requires("is what theory says", points=2)
def _(answer: Answer, draw: Draw) -> None:
    got = require_number(answer.value, tried="branch_scale")
    expected = "the scale at which the factors of all layers and blocks multiply to yours, within 1 %"
    require_close(got, scale_on_paper(draw.personal), tried="branch_scale", expected=expected, rtol=0.01)


# q5: forty layers without a normalisation ---------------------------------------------------------------------------

design = homework.question("q5", "Forty layers, no normalisation", asks_for="residual_stack")


@design.requires("gives random blocks of the right shapes", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for count, width in ((2, 3), (5, 8)):
        seed = draw.integer(0, 10**6)
        tried = f"residual_stack(blocks={count}, width={width}, seed={seed})"
        first, again, other = (
            blocks_in(answer(count, width, one), count, width, tried=tried) for one in (seed, seed, seed + 1)
        )
        flat, same, differs = (
            torch.cat([w.flatten() for block in one for w in block[:2]]) for one in (first, again, other)
        )
        require(
            torch.equal(flat, same),
            tried=f"{tried}, twice",
            got=Words("two stacks that differ"),
            expected="the same for the same seed",
        )
        require(
            not torch.equal(flat, differs),
            tried=f"{tried}, and another seed",
            got=Words("the same weights"),
            expected="other weights",
        )


@design.requires("neither explodes nor vanishes over forty layers", points=2)
def _(answer: Answer, draw: Draw) -> None:
    require_growth(answer, draw, 20, 96)


@design.requires("learns, with all of its blocks", points=3)
def _(answer: Answer, draw: Draw) -> None:
    require_learning(answer, draw, 20)


@design.requires("keeps its signal at other depths and widths", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    require_growth(answer, draw, draw.integer(80, 100), 96)
    require_growth(answer, draw, draw.integer(3, 6), 128)


@design.requires("learns at twice the depth", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    require_learning(answer, draw, 40)


# q6: read by a person -----------------------------------------------------------------------------------------------

homework.question("q6", "Larger weights, slower learning", written_points=4)
