"""Wrong answers to homework 4."""

from solutions.hw04 import REFERENCE, RIGHT
from solutions.variants import changed, text

Q1, Q2, Q3, Q4, Q5 = (REFERENCE[f"q{k}"] for k in (1, 2, 3, 4, 5))
V = "V = torch.randn(width, width, generator=random) * (1 / width) ** 0.5"
W = "W = torch.randn(width, width, generator=random) * (2 / width) ** 0.5"

WRONG = {
    "q1": {
        "unbiased variance for the output": changed(Q1, ("x.var(dim=0, correction=0)", "x.var(dim=0)")),
        "biased variance for the average": changed(Q1, ("(x.var(dim=0) - var)", "(spread - var)")),
        "momentum of the old": changed(
            Q1,
            ("mean + momentum * (center - mean)", "momentum * mean + (1 - momentum) * center"),
            ("var + momentum * (x.var(dim=0) - var)", "momentum * var + (1 - momentum) * x.var(dim=0)"),
        ),
        "averages not moved": changed(Q1, ("mean + momentum * (center - mean)", "mean")),
        "variance not moved": changed(Q1, ("var + momentum * (x.var(dim=0) - var)", "var")),
        "moved in evaluation as well": changed(
            Q1,
            ("    y = gamma", "    mean = mean + momentum * (x.mean(dim=0) - mean)\n    y = gamma"),
        ),
        "the batch's own in evaluation": changed(Q1, ("    if training:", "    if True:")),
        "the averages in training": changed(
            Q1, ("center, spread = x.mean(dim=0), x.var(dim=0, correction=0)", "center = x.mean(dim=0)")
        ),
        "the new averages in training": changed(
            Q1, ("    y = gamma * (x - center) / torch.sqrt(spread", "    y = gamma * (x - mean) / torch.sqrt(var")
        ),
        "over the units": changed(
            Q1,
            (
                "x.mean(dim=0), x.var(dim=0, correction=0)",
                "x.mean(dim=1, keepdim=True), x.var(dim=1, correction=0, keepdim=True)",
            ),
        ),
        "over everything": changed(Q1, ("x.mean(dim=0), x.var(dim=0, correction=0)", "x.mean(), x.var(correction=0)")),
        "no eps": changed(Q1, ("spread + eps", "spread")),
        "eps outside the root": changed(Q1, ("torch.sqrt(spread + eps)", "(torch.sqrt(spread) + eps)")),
        "eps fixed": changed(Q1, ("spread + eps", "spread + 1e-5")),
        "momentum fixed": changed(
            Q1, ("    center, spread = mean, var", "    momentum = 0.1\n    center, spread = mean, var")
        ),
        "divides by the variance": changed(Q1, ("torch.sqrt(spread + eps)", "(spread + eps)")),
        "gamma left out": changed(Q1, ("gamma * (x", "(x")),
        "beta left out": changed(Q1, (" + beta", "")),
        "gamma and beta in training only": changed(
            Q1, ("    return y", "    y = y if training else (y - beta) / gamma\n    return y")
        ),
        "in place": changed(
            Q1,
            ("mean = mean + momentum * (center - mean)", "mean += momentum * (center - mean)"),
            ("var = var + momentum * (x.var(dim=0) - var)", "var += momentum * (x.var(dim=0) - var)"),
        ),
        "output alone": changed(Q1, ("return y, mean, var", "return y")),
        "standard deviations averaged": changed(Q1, ("(x.var(dim=0) - var)", "(x.std(dim=0) - var)")),
    },
    "q2": {
        "in the weights before the scale": changed(
            RIGHT["q2"]["by the chain rule through scale"], ("[0] / scale", "[0]")
        ),
        "at scale 1": changed(Q2, ("scale * weight", "1.0 * weight")),
        "divided by the square": changed(Q2, ("return gradient", "return gradient / scale")),
        "no division by the spread": changed(Q2, (" / z.std(dim=0, correction=0)", "")),
        "no mean taken out": changed(Q2, ("z - z.mean(dim=0)", "z")),
        "the mean taken as fixed": changed(Q2, ("z.mean(dim=0)", "z.mean(dim=0).detach()")),
        "the spread taken as fixed": changed(Q2, ("z.std(dim=0, correction=0)", "z.std(dim=0, correction=0).detach()")),
        "unbiased": changed(Q2, ("z.std(dim=0, correction=0)", "z.std(dim=0)")),
        "over the units": changed(
            Q2, ("z.mean(dim=0)", "z.mean(dim=1, keepdim=True)"), ("z.std(dim=0,", "z.std(dim=1, keepdim=True,")
        ),
        "an eps": changed(Q2, ("z.std(dim=0, correction=0)", "(z.var(dim=0, correction=0) + 1e-5).sqrt()")),
        "a mean, not a sum": changed(Q2, ("(u * error).sum()", "(u * error).mean()")),
        "error left out": changed(Q2, ("(u * error).sum()", "u.sum()")),
        "zeros": changed(Q2, ("return gradient", "return torch.zeros_like(weight)")),
        "the sign": changed(Q2, ("return gradient", "return -gradient")),
        "turned by hand": changed(
            RIGHT["q2"]["by hand"],
            ("error - error.mean(dim=0) - u * (error * u).mean(dim=0)", "error - error.mean(dim=0)"),
        ),
        "the other direction left out": changed(RIGHT["q2"]["by hand"], ("error - error.mean(dim=0) - u", "error - u")),
        "transposed": changed(Q2, ("return gradient", "return gradient.T")),
        "of length 1": changed(Q2, ("return gradient", "return gradient / gradient.norm() / scale")),
        "the product of weights and gradient": changed(Q2, ("return gradient", "return gradient * weight")),
    },
    "q3": {
        "squared": changed(Q3, (".sqrt()", "")),
        "upside down": changed(Q3, ("slopes.square().mean() / below", "below / slopes.square().mean()")),
        "batch and layer exchanged": changed(Q3, ('"batch"', '"layer"')),
        "the same for both": changed(Q3, ('if norm == "batch"', "if True")),
        "no mean taken out": changed(Q3, ('if norm == "batch"', "if False")),
        "mean slope": changed(Q3, ("slopes.square().mean()", "slopes.mean() ** 2")),
        "mean of the roots": changed(Q3, ("slopes.square().mean()", "slopes.abs().mean()")),
        "only ReLU": text("""
            def growth(values, slopes, norm):
                return math.sqrt(math.pi / (math.pi - 1)) if norm == "batch" else 1.0
        """),
        "for layers always 1": changed(
            Q3, ("    below = values", '    if norm == "layer":\n        return 1.0\n    below = values')
        ),
        "standard deviation below": changed(
            Q3, ("(slopes.square().mean() / below).sqrt()", "slopes.square().mean().sqrt() / below")
        ),
        "the mean not squared": changed(Q3, ("values.mean() ** 2", "values.mean()")),
        "the values above": changed(Q3, ("slopes.square().mean()", "values.square().mean()")),
        "never below 1": changed(Q3, (".sqrt()", ".sqrt().clamp(min=1)")),
        "variance of the slopes": changed(Q3, ("slopes.square().mean()", "slopes.var()")),
        "ratio of points": changed(
            Q3, ("(slopes.square().mean() / below).sqrt()", "(slopes.square() / below).sqrt().mean()")
        ),
        "in nats": changed(Q3, (".sqrt()", ".sqrt().log()")),
        "no ReLU's half": changed(Q3, ("slopes.square().mean()", "slopes.square().max()")),
    },
    "q4": {
        "the first layer like the others": changed(
            Q4, ('0.5 * factor ** (mine["layers"] - 1)', 'factor ** mine["layers"]')
        ),
        "the first layer left out": changed(Q4, ("0.5 * ", "")),
        "one layer too many": changed(Q4, ('(mine["layers"] - 1)', 'mine["layers"]')),
        "the half not squared": changed(Q4, ("0.5 * ", "0.5**0.5 * ")),
        "the factor not squared": changed(Q4, ('mine["factor"] ** 2', 'mine["factor"]')),
        "the layers not squared": changed(Q4, ("math.pi / (math.pi - 1)", "math.sqrt(math.pi / (math.pi - 1))")),
        "layers left out": changed(Q4, ("/ squared", "/ 1")),
        "the square of the scale": changed(Q4, ("math.sqrt(per_block - 1)", "per_block - 1")),
        "no 1 taken off": changed(Q4, ("per_block - 1", "per_block")),
        "one over the root": 'branch_scale = mine["blocks"] ** -0.5\n',
        "scales that add up": changed(Q4, ("math.sqrt(per_block - 1)", "math.sqrt(per_block) - 1")),
        "two layers in a block": changed(Q4, ('(1 / mine["blocks"])', '(1 / (2 * mine["blocks"]))')),
        "negative": Q4 + "branch_scale = -branch_scale\n",
        "a list": Q4 + "branch_scale = [branch_scale, branch_scale]\n",
        "text": Q4 + "branch_scale = str(branch_scale)\n",
        "safely small": Q4 + "branch_scale = branch_scale / 2\n",
        "roughly": Q4 + "branch_scale = 1.02 * branch_scale\n",
        "layers times the squared budget": changed(Q4, ("/ squared", "* squared")),
    },
    "q5": {
        "unscaled": changed(Q5, ("blocks**-0.5", "1.0")),
        "the scale in V": changed(Q5, (V, V + "\n        V = V * blocks**-0.5"), ("V, blocks**-0.5", "V, 1.0")),
        "zero branches alone": changed(Q5, (V, "V = torch.zeros(width, width)"), ("blocks**-0.5", "1.0")),
        "nearly zero branches alone": changed(Q5, ("(1 / width) ** 0.5", "1e-3"), ("blocks**-0.5", "1.0")),
        "branches switched off": changed(Q5, ("blocks**-0.5", "0.0")),
        "branches nearly off": changed(Q5, ("blocks**-0.5", "1e-6")),
        "all zero": changed(Q5, (W, "W = torch.zeros(width, width)"), (V, "V = torch.zeros(width, width)")),
        "half of the branches off": changed(
            Q5, ("for _ in", "for k in"), ("blocks**-0.5", "(2 / blocks) ** 0.5 * (k % 2)")
        ),
        "the first alone": changed(Q5, ("for _ in", "for k in"), ("blocks**-0.5", "0.9 * (k == 0)")),
        "He twice": changed(Q5, ("(1 / width)", "(2 / width)")),
        "made for twenty": changed(Q5, ("blocks**-0.5", "20**-0.5")),
        "made for hundred": changed(Q5, (V, "V = torch.zeros(width, width)"), ("blocks**-0.5", "1e-4 * blocks")),
        "decreasing scales": changed(Q5, ("for _ in", "for k in"), ("blocks**-0.5", "(k + 1) ** -0.5")),
        "root of the layers, the wrong way": changed(Q5, ("blocks**-0.5", "blocks**0.5")),
        "weights from N(0, 1)": changed(Q5, (" * (2 / width) ** 0.5", ""), (" * (1 / width) ** 0.5", "")),
        "the same seed for all": changed(Q5, ("manual_seed(seed)", "manual_seed(0)")),
        "no seed": changed(Q5, ("torch.Generator().manual_seed(seed)", "None")),
        "one block too few": changed(Q5, ("range(blocks)", "range(blocks - 1)")),
        "matrices without a scale": changed(Q5, ("(W, V, blocks**-0.5)", "(W, V)")),
        "NaN": changed(Q5, (W, W + "\n        W[0, 0] = torch.nan")),
        "made for a width of 32": changed(Q5, ("(2 / width)", "(2 / 32)"), ("(1 / width)", "(1 / 32)")),
    },
}
