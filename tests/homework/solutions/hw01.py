"""Right answers to homework 1: the reference, and others written differently."""

from solutions.variants import changed, text

REFERENCE = {
    "q1": text("""
        def log_gradient(slopes):
            return slopes.abs().log().sum()
    """),
    "q2": text("""
        def first_infinite(factor, dtype):
            value, factor = torch.tensor([1.0, factor], dtype=dtype)
            layer = 0
            while value < torch.inf:
                value, layer = factor * value, layer + 1
            return layer


        def first_infinite_norm(factor, entries):
            layer = 0
            while True:
                layer = layer + 1
                gradient = torch.full((entries,), factor, dtype=torch.float32) ** layer
                if gradient.norm() == torch.inf:
                    return layer


        ends = {
            "float16": first_infinite(mine["factor"], torch.float16),
            "bfloat16": first_infinite(mine["factor"], torch.bfloat16),
            "norm": first_infinite_norm(mine["factor"], mine["entries"]),
        }
    """),
    "q3": text("""
        def growth_rate(matrices, depth, runs, seed):
            random = torch.Generator().manual_seed(seed)
            m, n, _ = matrices.shape
            x = torch.ones(runs, n, 1, dtype=matrices.dtype) / n**0.5
            total = torch.zeros(runs, dtype=matrices.dtype)
            for _ in range(depth):
                x = matrices[torch.randint(m, (runs,), generator=random)] @ x
                length = x.norm(dim=1, keepdim=True)
                x = x / length
                total += length.flatten().log()
            return total.mean() / depth
    """),
    "q4": text("""
        k, peak = order["layer"], order["peak"]
        r = math.exp(-1 / k)
        low, high = 0.0, peak
        for _ in range(100):
            c = (low + high) / 2
            hump = [[r, c], [0.0, r]]
            if jacobians.norms_of_powers(hump, 100)[k] < peak:
                low = c
            else:
                high = c
    """),
}

LOOP = text("""
    def log_gradient(slopes):
        total = 0.0
        for slope in slopes.tolist():
            if slope == 0:
                return -math.inf
            total += math.log(abs(slope))
        return total
""")

RIGHT = {
    "q1": {
        "a loop with math": LOOP,
        "numpy, which warns of log 0": text("""
            def log_gradient(slopes):
                return float(np.log(np.abs(slopes.numpy())).sum())
        """),
        "base two": changed(REFERENCE["q1"], (".log().sum()", ".log2().sum() * math.log(2)")),
        "half the log of the square": changed(REFERENCE["q1"], (".abs().log()", ".square().log().div(2)")),
        "mantissas and exponents": text("""
            def log_gradient(slopes):
                mantissa, exponent = 1.0, 0
                for slope in slopes:
                    mantissa, more = math.frexp(mantissa * float(slope))
                    exponent += more
                if mantissa == 0:
                    return float("-inf")
                return math.log(abs(mantissa)) + exponent * math.log(2)
        """),
        "autograd in blocks": text("""
            def log_gradient(slopes):
                total = torch.zeros((), dtype=torch.float64)
                for block in slopes.split(50):
                    x = torch.ones((), dtype=torch.float64, requires_grad=True)
                    h = x
                    for s in block:
                        h = s * h
                    h.backward()
                    total = total + x.grad.abs().log()
                return total.item()
        """),
        "a tensor of one number": changed(REFERENCE["q1"], (".sum()", ".sum(dim=0, keepdim=True)")),
        "changes its argument": text("""
            def log_gradient(slopes):
                slopes.abs_().log_()
                return slopes.sum()
        """),
    },
    "q2": {
        "the loop of chapter 2": text("""
            def last_stop(factor, dtype):
                value, factor = torch.tensor([1.0, factor], dtype=dtype)
                depth = 0
                while 0 < value < torch.inf:
                    value, depth = factor * value, depth + 1
                return depth


            ends = {
                "float16": last_stop(mine["factor"], torch.float16),
                "bfloat16": last_stop(mine["factor"], torch.bfloat16),
                "norm": math.ceil(
                    (torch.finfo(torch.float32).max / mine["entries"]) ** 0.5
                    and math.log((torch.finfo(torch.float32).max / mine["entries"]) ** 0.5)
                    / math.log(mine["factor"])
                ),
            }
        """),
        "running product for the norm": changed(
            REFERENCE["q2"],
            ("    layer = 0\n    while True", "    layer = 0\n    gradient = torch.ones(entries)\n    while True"),
            ("gradient = torch.full((entries,), factor, dtype=torch.float32) ** layer", "gradient = gradient * factor"),
        ),
        "cumprod in NumPy for float16": changed(
            REFERENCE["q2"],
            (
                'first_infinite(mine["factor"], torch.float16)',
                "1 + int(np.isinf(np.multiply.accumulate("
                'np.full(800, mine["factor"], np.float16), dtype=np.float16)).argmax())',
            ),
        ),
        "whole numbers as floats": changed(
            REFERENCE["q2"],
            ("return layer\n\n\ndef", "return float(layer)\n\n\ndef"),
        ),
        "as tensors": changed(
            REFERENCE["q2"],
            ("return layer\n\n\ndef", "return torch.tensor(layer)\n\n\ndef"),
        ),
        "isfinite": changed(REFERENCE["q2"], ("while value < torch.inf", "while torch.isfinite(value)")),
        "vector_norm": changed(
            REFERENCE["q2"], ("gradient.norm() == torch.inf", "torch.linalg.vector_norm(gradient).isinf()")
        ),
    },
    "q3": {
        "loops": text("""
            def growth_rate(matrices, depth, runs, seed):
                rng = np.random.default_rng(seed)
                rates = []
                for _ in range(runs):
                    x = torch.zeros(matrices.shape[1], dtype=torch.float64)
                    x[0] = 1
                    log = 0.0
                    for _ in range(depth):
                        x = matrices[rng.integers(len(matrices))] @ x
                        log += math.log(x.norm())
                        x /= x.norm()
                    rates.append(log / depth)
                return sum(rates) / runs
        """),
        "numpy and einsum": text("""
            def growth_rate(matrices, depth, runs, seed):
                rng = np.random.default_rng(seed)
                W = matrices.numpy()
                x = rng.normal(size=(runs, W.shape[1]))
                x /= np.linalg.norm(x, axis=1, keepdims=True)
                logs = np.zeros(runs)
                for _ in range(depth):
                    x = np.einsum("rij,rj->ri", W[rng.integers(len(W), size=runs)], x)
                    length = np.sqrt((x**2).sum(axis=1))
                    logs += np.log(length)
                    x /= length[:, None]
                return float(logs.mean() / depth)
        """),
        "the starting length taken off": changed(
            REFERENCE["q3"],
            (
                "/ n**0.5\n    total = torch.zeros(runs, dtype=matrices.dtype)",
                "\n    total = -x.norm(dim=1).flatten().log()",
            ),
        ),
        "all choices at once": changed(
            REFERENCE["q3"],
            (
                "for _ in range(depth):\n        x = matrices[torch.randint(m, (runs,), generator=random)] @ x",
                "for which in torch.randint(m, (depth, runs), generator=random):\n        x = matrices[which] @ x",
            ),
        ),
        "global seed": changed(
            REFERENCE["q3"],
            ("random = torch.Generator().manual_seed(seed)", "torch.manual_seed(seed)"),
            (", generator=random", ""),
        ),
        "rescaled every fourth layer": changed(
            REFERENCE["q3"],
            ("for _ in range(depth)", "for layer in range(depth)"),
            (
                "length = x.norm(dim=1, keepdim=True)",
                "if layer % 4 < 3 and layer < depth - 1:\n            continue\n        "
                "length = x.norm(dim=1, keepdim=True)",
            ),
        ),
        "other names, and a list for a result": text("""
            def growth_rate(A, L, R, s):
                random = torch.Generator().manual_seed(s)
                total = 0.0
                for _ in range(R):
                    v = torch.full((A.shape[-1],), A.shape[-1] ** -0.5).double()
                    for k in torch.randint(len(A), (L,), generator=random).tolist():
                        v = torch.mv(A[k], v)
                        size = torch.linalg.vector_norm(v)
                        total, v = total + size.log(), v.div(size)
                return (total / R / L).reshape(1)
        """),
    },
    "q4": {
        "the radius of a tie": changed(REFERENCE["q4"], ("r = math.exp(-1 / k)", "r = k / (k + 1)")),
        "by the formula": text("""
            k, peak = order["layer"], order["peak"]
            r = math.exp(-1 / k)
            hump = torch.tensor([[r, peak / (k * r ** (k - 1))], [0, r]])
        """),
        "lower triangle, NumPy": text("""
            k, peak = order["layer"], order["peak"]
            r = 1 - 1 / (k + 0.5)
            hump = np.array([[r, 0], [peak / (k * r ** (k - 1)), r]])
        """),
        "a coupling of the other sign": text("""
            k, peak = order["layer"], order["peak"]
            r = math.exp(-1 / k)
            hump = [[-r, -peak / (k * r ** (k - 1))], [0, -r]]
        """),
        "turned": text("""
            k, peak = order["layer"], order["peak"]
            r = math.exp(-1 / k)
            turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
            hump = torch.tensor([[r, peak / (k * r ** (k - 1))], [0, r]], dtype=torch.float64)
            hump = turn @ hump @ turn.T
        """),
        "two eigenvalues, nearly equal": text("""
            k, peak = order["layer"], order["peak"]
            r = math.exp(-1 / k)
            a, b = r + 1e-3, r - 1e-3
            hump = [[a, peak * (a - b) / (a**k - b**k)], [0.0, b]]
        """),
        "in float32": text("""
            k, peak = order["layer"], order["peak"]
            r = np.float32(np.exp(-1 / k))
            hump = np.array([[r, peak / (k * r ** (k - 1))], [0, r]], dtype=np.float32)
        """),
        "by trying": text("""
            k, peak = order["layer"], order["peak"]
            best = math.inf
            for r in np.arange(0.8, 0.97, 0.001):
                shape = jacobians.norms_of_powers([[r, 1e4], [0, r]], 100)
                if shape.argmax() == k:
                    hump = [[r, 1e4 * peak / shape[k]], [0, r]]
        """),
    },
}
