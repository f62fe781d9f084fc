"""Wrong answers to homework 2, and the properties that are meant for them."""

from solutions.hw02 import Q1, Q2, Q3, Q4
from solutions.variants import changed, text

XAVIER = ("variance = 2 / (fan_in + fan_out)", "variance = 1 / fan_in")
RANDN = "torch.randn(fan_out, fan_in, generator=random)"

WRONG = {
    "q1": {
        "from the output to the input": changed(Q1, ("norms[::-1]", "norms")),
        "not transposed": changed(Q1, ("W.T @ ((out > 0) * delta)", "W @ ((out > 0) * delta)")),
        "no mask": changed(Q1, ("((out > 0) * delta)", "delta")),
        "the mask of the layer below": changed(
            Q1, ("h[:0:-1]", "h[-2::-1]"), ("W.T @ ((out > 0) * delta)", "(W.T @ delta) * (out > 0)")
        ),
        "mask after the matrix": changed(Q1, ("W.T @ ((out > 0) * delta)", "(W.T @ delta) * (W.T @ out > 0)")),
        "slope one at zero": changed(Q1, ("out > 0", "out >= 0")),
        "slope one at zero, by the inputs": text("""
            def backward_norms(weights, x, error):
                a = []
                for W in weights:
                    a.append(W @ x)
                    x = a[-1].relu()
                norms = [error.norm()]
                for W, before in zip(weights[::-1], a[::-1]):
                    error = W.T @ torch.where(before < 0, 0.0, error)
                    norms.insert(0, error.norm())
                return torch.stack(norms)
        """),
        "clamp, which has slope one at zero": text("""
            def backward_norms(weights, x, error):
                h = [x.requires_grad_()]
                for W in weights:
                    h.append((W @ h[-1]).clamp(min=0))
                return torch.stack([g.norm() for g in torch.autograd.grad(h[-1], h, error)])
        """),
        "without the input": changed(Q1, ("norms[::-1]", "norms[-2::-1]")),
        "without the output": changed(Q1, ("norms[::-1]", "norms[:0:-1]")),
        "norms of the activations": changed(Q1, ("torch.stack(norms[::-1])", "torch.stack([a.norm() for a in h])")),
        "squared norms": changed(Q1, ("norms[::-1])", "norms[::-1]) ** 2")),
        "the sums, not the norms": changed(Q1, ("norms.append(delta.norm())", "norms.append(delta.sum())")),
        "the output as the error": changed(Q1, ("delta = error", "delta = h[-1] - error")),
        "linear on the way in": changed(Q1, ("torch.relu(W @ h[-1])", "W @ h[-1]")),
        "activations in the place of slopes": changed(Q1, ("(out > 0) * delta", "out * delta")),
        "logarithms": changed(Q1, ("norms[::-1])", "norms[::-1]).log()")),
        "one weight matrix for all": changed(Q1, ("zip(weights[::-1]", "zip([weights[0]] * len(weights)")),
    },
    "q2": {
        "by the number of outputs": changed(Q2, ("2 / fan_in\n", "2 / fan_out\n")),
        "one over n": changed(Q2, ("2 / fan_in\n", "1 / fan_in\n")),
        "the variance as a standard deviation": changed(Q2, ("math.sqrt(variance)", "variance")),
        "Xavier without the two": changed(Q2, ("2 / (fan_in", "1 / (fan_in")),
        "Xavier by the inputs alone": changed(Q2, XAVIER),
        "Xavier by the product": changed(Q2, ("2 / (fan_in + fan_out)", "1 / math.sqrt(fan_in * fan_out)")),
        "Xavier with ReLU's gain": changed(Q2, ("2 / (fan_in + fan_out)", "4 / (fan_in + fan_out)")),
        "transposed": changed(Q2, (RANDN, "torch.randn(fan_in, fan_out, generator=random)")),
        "uniform": changed(Q2, (RANDN, "(torch.rand(fan_out, fan_in, generator=random) * 2 - 1) * math.sqrt(3)")),
        "uniform within one standard deviation": changed(
            Q2, (RANDN, "(torch.rand(fan_out, fan_in, generator=random) * 2 - 1)")
        ),
        "between zero and one": changed(Q2, (RANDN, "torch.rand(fan_out, fan_in, generator=random)")),
        "signs only": changed(Q2, (RANDN, f"{RANDN}.sign()")),
        "cut at two standard deviations": changed(Q2, (RANDN, f"{RANDN}.clamp(-2, 2)")),
        "all positive": changed(Q2, (RANDN, f"{RANDN}.abs()")),
        "the seed ignored": changed(Q2, ("manual_seed(seed)", "manual_seed(0)")),
        "no seed": changed(Q2, ("torch.Generator().manual_seed(seed)", "None")),
        "one scheme for both": changed(Q2, ('scheme == "he"', "scheme")),
        "nn.Linear's own": text("""
            def draw_weights(fan_in, fan_out, scheme, seed):
                torch.manual_seed(seed)
                return nn.Linear(fan_in, fan_out).weight
        """),
        "one row, repeated": changed(Q2, (RANDN, "torch.randn(1, fan_in, generator=random).expand(fan_out, fan_in)")),
        "gain for leaky ReLU with a = 1": changed(Q2, ("2 / fan_in\n", "2 / (1 + 0.2**2) / fan_in\n")),
    },
    "q3": {
        "the mean square as a standard deviation": changed(Q3, ("a = math.sqrt(square) * z", "a = square * z")),
        "always at one": changed(Q3, ("a = math.sqrt(square) * z", "a = z")),
        "not the square asked for": changed(Q3, ("torch.sqrt(square / squares)", "torch.sqrt(1 / squares)")),
        "without the root": changed(Q3, ("torch.sqrt(square / squares)", "square / squares")),
        "upside down": changed(Q3, ("square / squares", "squares / square")),
        "factor without the gain": changed(Q3, ("(gain * torch.sqrt(slopes))", "torch.sqrt(slopes)")),
        "factor squared": changed(Q3, ("gain * torch.sqrt(slopes)", "gain**2 * slopes")),
        "mean slope, not its root mean square": changed(
            Q3, ("(steep * (1 - bent**2) + leak) ** 2).sum()", "(steep * (1 - bent**2) + leak)).sum() ** 2")
        ),
        "slope without the chain rule": changed(Q3, ("steep * (1 - bent**2)", "(1 - bent**2)")),
        "slope without the leak": changed(Q3, ("+ leak) ** 2", ") ** 2")),
        "activation without the leak": changed(Q3, ("bent + leak * a", "bent")),
        "slope at zero": changed(Q3, ("(1 - bent**2)", "(1 + 0 * bent)")),
        "the gain that keeps the gradient": changed(
            Q3, ("gain = torch.sqrt(square / squares)", "gain = 1 / torch.sqrt(slopes)")
        ),
        "tanh's gain from the table": changed(
            Q3, ("gain = torch.sqrt(square / squares)", "gain = torch.tensor(5 / 3)")
        ),
        "a uniform density": changed(Q3, ("torch.exp(-(z**2) / 2)", "torch.ones_like(z)")),
        "the density of half the variance": changed(Q3, ("torch.exp(-(z**2) / 2)", "torch.exp(-(z**2))")),
        "a coarse grid": changed(Q3, ("100_001", "9")),
        "a narrow grid": changed(Q3, ("-8, 8", "-1, 1")),
        "a thousand random numbers": changed(
            Q3,
            (
                "z = torch.linspace(-8, 8, 100_001, dtype=torch.float64)",
                "z = torch.randn(1000, generator=torch.Generator().manual_seed(0))",
            ),
            ("weight = torch.exp(-(z**2) / 2)\n    weight = weight / weight.sum()", "weight = 1 / len(z)"),
        ),
        "too few points of Gauss and Hermite": text("""
            def level_gain(steep, leak, square):
                z, w = np.polynomial.hermite_e.hermegauss(180)
                w = w / w.sum()
                a = np.sqrt(square) * z
                f = np.tanh(steep * a) + leak * a
                slope = steep / np.cosh(steep * a) ** 2 + leak
                gain = np.sqrt(square / (w @ f**2))
                return [gain, gain * np.sqrt(w @ slope**2)]
        """),
        "factor first": changed(
            Q3, ("gain.item(), (gain * torch.sqrt(slopes)).item()", "(gain * torch.sqrt(slopes)).item(), gain.item()")
        ),
        "only the gain": changed(Q3, ("gain.item(), (gain * torch.sqrt(slopes)).item()", "gain.item()")),
        "divides by steep": changed(Q3, ("bent = torch.tanh(steep * a)", "bent = torch.tanh(steep * a) / steep")),
    },
    "q4": {
        "only the gain repaired": changed(
            Q4,
            ("    torch.manual_seed(seed)\n", ""),
            ("        W = ", "        torch.manual_seed(seed)\n        W = "),
            ("    return", "    matrices[-1] *= 10\n    return"),
        ),
        "all but the gain": changed(Q4, ('("relu")', '("relu") ** 2')),
        "all but the seed": changed(
            Q4, ("    torch.manual_seed(seed)\n", ""), ("        W = ", "        torch.manual_seed(seed)\n        W = ")
        ),
        "all but the output layer": changed(Q4, ("    return", "    matrices[-1] *= 10\n    return")),
        "PyTorch's default": changed(
            Q4, ("calculate_gain", "calculate_gain"), ('nn.init.calculate_gain("relu")', "3**-0.5")
        ),
        "Xavier": changed(Q4, ('nn.init.calculate_gain("relu")', "1.0")),
        "no scale": changed(Q4, ("gain * W / math.sqrt(fan_in)", "W")),
        "shallow": changed(Q4, ('mine["depth"]', "2")),
        "narrow": changed(Q4, ('mine["width"]', "16")),
        "someone else's numbers": 'mine = {"depth": mine["depth"] + 1, "width": mine["width"]}\n' + Q4,
        "all zero": changed(Q4, ("torch.randn", "torch.zeros")),
        "the identity": changed(Q4, ("torch.randn(fan_out, fan_in)", "torch.eye(fan_out, fan_in)")),
        "the same network for every seed": changed(Q4, ("torch.manual_seed(seed)", "torch.manual_seed(0)")),
        "no seed": changed(Q4, ("torch.manual_seed(seed)", "pass")),
        "weights cut off": changed(Q4, ("gain * W / math.sqrt(fan_in)", "W.clamp(-0.01, 0.01)")),
        "transposed": changed(Q4, ("torch.randn(fan_out, fan_in)", "torch.randn(fan_in, fan_out)")),
        "a module": changed(Q4, ("return matrices", "return network_of(matrices)")),
        "no output layer": changed(Q4, ("return matrices", "return matrices[:-1]")),
        "a NaN": changed(Q4, ("return matrices", "matrices[0][0, 0] = math.nan\n    return matrices")),
        "by the variance": changed(Q4, ("W / math.sqrt(fan_in)", "W / fan_in")),
    },
}

CAUGHT_BY = {
    "q1": {
        "slope one at zero": "takes the slope at zero to be zero",
        "slope one at zero, by the inputs": "takes the slope at zero to be zero",
        "clamp, which has slope one at zero": "takes the slope at zero to be zero",
        "not transposed": "takes layers of different widths",
        "no mask": "agrees with autograd",
    },
    "q2": {
        "by the number of outputs": "gives He's weights their variance",
        "Xavier by the inputs alone": "gives Xavier's weights theirs",
        "Xavier by the product": "gives Xavier's weights theirs",
        "uniform": "draws from a normal distribution",
        "signs only": "draws from a normal distribution",
        "the seed ignored": "depends on the seed, and on nothing else",
        "no seed": "depends on the seed, and on nothing else",
        "one row, repeated": "gives He's weights their variance",
    },
    "q3": {
        "always at one": "keeps the mean square",
        "mean slope, not its root mean square": "foretells the backward signal",
        "too few points of Gauss and Hermite": "holds where the activation is steep",
        "without the root": "is exact for a straight line",
    },
    "q4": {
        "all but the gain": "keeps the backward signal",
        "all but the seed": "draws every layer anew, in your depth and width",
        "no seed": "draws every layer anew, in your depth and width",
        "all but the output layer": "begins without strong opinions",
        "PyTorch's default": "learns the digits",
        "shallow": "draws every layer anew, in your depth and width",
        "Xavier": "keeps the backward signal",
    },
}
