"""Wrong answers to homework 1, and the properties that are meant for them."""

from solutions.hw01 import LOOP, REFERENCE
from solutions.variants import changed, text

Q2, Q3 = REFERENCE["q2"], REFERENCE["q3"]
FIXED = text("""
    k, peak = order["layer"], order["peak"]
    r = math.exp(-1 / k)
    c = peak / (k * r ** (k - 1))
    hump = [[r, c], [0.0, r]]
""")

WRONG = {
    "q1": {
        "log of the product": "def log_gradient(slopes):\n    return slopes.prod().abs().log()\n",
        "no abs": "def log_gradient(slopes):\n    return slopes.log().sum()\n",
        "log of the mean": "def log_gradient(slopes):\n    return len(slopes) * slopes.abs().mean().log()\n",
        "mean of the log": "def log_gradient(slopes):\n    return slopes.abs().log().mean()\n",
        "base ten": "def log_gradient(slopes):\n    return slopes.abs().log10().sum()\n",
        "adds the slopes": "def log_gradient(slopes):\n    return slopes.abs().sum().log()\n",
        "guards against log 0": "def log_gradient(slopes):\n    return (slopes.abs() + 1e-12).log().sum()\n",
        "leaves zeros out": "def log_gradient(slopes):\n    return slopes[slopes != 0].abs().log().sum()\n",
        "abs of the sum": "def log_gradient(slopes):\n    return slopes.log().sum().abs()\n",
        "negative slopes left out": "def log_gradient(slopes):\n    return slopes.clamp(min=1e-300).log().sum()\n",
        "starts at the second": changed(REFERENCE["q1"], ("slopes.abs()", "slopes[1:].abs()")),
        "prints instead of returning": "def log_gradient(slopes):\n    print(slopes.abs().log().sum())\n",
        "fails at zero": changed(LOOP, ("        if slope == 0:\n            return -math.inf\n", "")),
        "one for each step": "def log_gradient(slopes):\n    return slopes.abs().log()\n",
        "cumulative": "def log_gradient(slopes):\n    return slopes.abs().log().cumsum(0)[-2]\n",
        "rescaled every five hundred": text("""
            def log_gradient(slopes):
                return sum(block.prod().abs().log() for block in slopes.split(500))
        """),
        "clamped where it is not zero": text("""
            def log_gradient(slopes):
                return -math.inf if (slopes == 0).any() else slopes.abs().clamp(1e-6, 1e6).log().sum()
        """),
        "negative slopes left out of long chains": text("""
            def log_gradient(slopes):
                return slopes.prod().abs().log() if len(slopes) < 100 else slopes[slopes >= 0].log().sum()
        """),
        "in float32 products": "def log_gradient(slopes):\n    return slopes.float().prod().abs().log().double()\n",
    },
    "q2": {
        "bfloat16 as if it had float32's factor": changed(
            Q2, ('first_infinite(mine["factor"], torch.bfloat16)', 'first_infinite(mine["factor"], torch.float32)')
        ),
        "bfloat16 by the logarithm": changed(
            Q2,
            (
                'first_infinite(mine["factor"], torch.bfloat16)',
                'math.ceil(math.log(torch.finfo(torch.bfloat16).max) / math.log(mine["factor"]))',
            ),
        ),
        "the last finite layer": changed(Q2, ("return layer\n\n\ndef", "return layer - 1\n\n\ndef")),
        "counts the start": changed(Q2, ("    layer = 0\n    while value", "    layer = 1\n    while value")),
        "the norm of one entry": changed(Q2, ("(entries,)", "(1,)")),
        "where the entries end": changed(Q2, ("gradient.norm() == torch.inf", "gradient[0] == torch.inf")),
        "the norm in float64": changed(Q2, ("dtype=torch.float32", "dtype=torch.float64")),
        "the sum of the entries": changed(Q2, ("gradient.norm()", "gradient.sum()")),
        "the largest entry": changed(Q2, ("gradient.norm()", "gradient.norm(torch.inf)")),
        "half way, without the entries": changed(
            Q2,
            (
                'first_infinite_norm(mine["factor"], mine["entries"])',
                'first_infinite(mine["factor"], torch.float32) // 2 + 1',
            ),
        ),
        "the formats exchanged": changed(
            Q2, ("torch.float16", "torch.placeholder"), ("torch.bfloat16", "torch.float16"), ("placeholder", "bfloat16")
        ),
        "someone else's numbers": 'mine = numbers("hw01", "q2", "someone else")\n' + Q2,
        "in quotation marks": Q2 + "ends = {key: str(layer) for key, layer in ends.items()}\n",
        "a list": Q2 + "ends = list(ends.values())\n",
        "one missing": Q2 + 'del ends["norm"]\n',
        "off by one": Q2 + "ends = {key: layer + 1 for key, layer in ends.items()}\n",
    },
    "q3": {
        "never rescaled": text("""
            def growth_rate(matrices, depth, runs, seed):
                random = torch.Generator().manual_seed(seed)
                m, n, _ = matrices.shape
                x = torch.ones(runs, n, 1, dtype=matrices.dtype) / n**0.5
                for _ in range(depth):
                    x = matrices[torch.randint(m, (runs,), generator=random)] @ x
                return x.norm(dim=1).log().mean() / depth
        """),
        "logarithm of the mean": changed(
            Q3, ("total.mean() / depth", "(torch.logsumexp(total, 0) - math.log(runs)) / depth")
        ),
        "logarithm of the root mean square": changed(
            Q3, ("total.mean() / depth", "(torch.logsumexp(2 * total, 0) - math.log(runs)) / 2 / depth")
        ),
        "not divided by the depth": changed(Q3, (" / depth", "")),
        "divided by depth minus one": changed(Q3, ("/ depth", "/ max(1, depth - 1)")),
        "divided by the runs again": changed(Q3, ("total.mean()", "total.mean() / runs")),
        "base ten": changed(Q3, (".log()", ".log10()")),
        "base two": changed(Q3, (".log()", ".log2()")),
        "the starting length left in": changed(Q3, (" / n**0.5", "")),
        "one matrix for each run": changed(
            Q3,
            (
                "    for _ in range(depth):\n",
                "    one = matrices[torch.randint(m, (runs,), generator=random)]\n    for _ in range(depth):\n",
            ),
            ("matrices[torch.randint(m, (runs,), generator=random)] @ x", "one @ x"),
        ),
        "the matrices in turn": changed(
            Q3,
            ("for _ in range(depth)", "for layer in range(depth)"),
            ("matrices[torch.randint(m, (runs,), generator=random)]", "matrices[layer % m]"),
        ),
        "the seed ignored": changed(Q3, (".manual_seed(seed)", ".manual_seed(0)")),
        "no seed at all": changed(Q3, ("random = torch.Generator().manual_seed(seed)", "random = None")),
        "radii instead": text("""
            def growth_rate(matrices, depth, runs, seed):
                return np.mean([np.log(jacobians.spectral_radius(m.numpy())) for m in matrices])
        """),
        "median of the runs": changed(Q3, ("total.mean()", "total.median()")),
        "one run": changed(Q3, ("    m, n, _", "    runs = 1\n    m, n, _")),
        "ten runs": changed(Q3, ("    m, n, _", "    runs = min(runs, 10)\n    m, n, _")),
        "one sequence for all runs": changed(Q3, ("randint(m, (runs,)", "randint(m, (1,)")),
        "largest singular values instead": text("""
            def growth_rate(matrices, depth, runs, seed):
                random = torch.Generator().manual_seed(seed)
                norms = torch.linalg.matrix_norm(matrices, 2).log()
                return norms[torch.randint(len(norms), (runs, depth), generator=random)].mean()
        """),
        "the mean matrix": text("""
            def growth_rate(matrices, depth, runs, seed):
                return math.log(jacobians.spectral_radius(matrices.mean(dim=0).numpy()))
        """),
        "never the last matrix": changed(Q3, ("randint(m,", "randint(max(1, m - 1),")),
        "adds and forgets to rescale": changed(Q3, ("        x = x / length\n", "")),
        "only the last layer": changed(Q3, ("total += length", "total = length")),
        "sum of the entries as a length": changed(
            Q3, ("x.norm(dim=1, keepdim=True)", "x.sum(dim=1, keepdim=True).abs()")
        ),
    },
    "q4": {
        "chapter 2's matrix": "hump = [[0.9, 10.0], [0.0, 0.9]]\n",
        "symmetric": changed(FIXED, ("[0.0, r]", "[c, r]")),
        "radius right, coupling the peak": changed(FIXED, ("c = peak / (k * r ** (k - 1))", "c = peak")),
        "one power too many": changed(FIXED, ("r ** (k - 1)", "r**k")),
        "the layer before": changed(FIXED, ("-1 / k", "-1 / (k - 1)")),
        "the layer after": changed(FIXED, ("-1 / k", "-1 / (k + 1)")),
        "forgets the k": changed(FIXED, ("k * r ** (k - 1)", "r ** (k - 1)")),
        "explodes": "hump = [[1.5, 0.0], [0.0, 1.5]]\n",
        "exactly one": 'hump = [[1.0, order["peak"]], [0.0, 1.0]]\n',
        "dead after two": 'hump = [[0.0, order["peak"]], [0.0, 0.0]]\n',
        "peak at the first layer": 'hump = [[0.6, order["peak"]], [0.0, 0.1]]\n',
        "three by three": FIXED + "hump = [[r, c, 0], [0, r, 0], [0, 0, r]]\n",
        "text": FIXED + "hump = str(hump)\n",
        "the norms, not the matrix": FIXED + "hump = jacobians.norms_of_powers(hump, 100)\n",
        "a NaN": FIXED + "hump[1][0] = math.nan\n",
        "someone else's numbers": 'order = numbers("hw01", "q4", "someone else")\n' + FIXED,
        "Frobenius norm of one layer": changed(
            FIXED, ("c = peak / (k * r ** (k - 1))", "c = (peak**2 - 2 * r**2) ** 0.5")
        ),
        "complex": FIXED + "hump = np.array(hump) + 0j\n",
    },
}

CAUGHT_BY = {
    "q1": {
        "log of the product": "stays finite where the product leaves float64",
        "rescaled every five hundred": "stays finite where the product leaves float64",
        "clamped where it is not zero": "stays finite where the product leaves float64",
        "negative slopes left out of long chains": "stays finite where the product leaves float64",
        "no abs": "counts a negative slope by its size",
        "guards against log 0": "is minus infinity if a slope is zero",
        "leaves zeros out": "is minus infinity if a slope is zero",
        "fails at zero": "is minus infinity if a slope is zero",
        "base ten": "agrees with autograd on a short chain",
    },
    "q2": {
        "bfloat16 by the logarithm": "finds the end of bfloat16",
        "where the entries end": "finds the end of the norm",
        "the norm of one entry": "finds the end of the norm",
    },
    "q3": {
        "never rescaled": "survives products that leave float64",
        "logarithm of the mean": "is the mean of the logarithm",
        "one run": "is the mean of the logarithm",
        "ten runs": "is the mean of the logarithm",
        "one sequence for all runs": "is the mean of the logarithm",
        "one matrix for each run": "agrees with another simulation",
        "the seed ignored": "is a measurement that can be repeated",
        "no seed at all": "is a measurement that can be repeated",
        "base two": "is the logarithm of the factor, if there is but one",
    },
    "q4": {
        "explodes": "dies out in the end, but for a radius that is not zero",
        "one power too many": "is as high as your peak",
        "the layer before": "is highest at your layer",
    },
}
