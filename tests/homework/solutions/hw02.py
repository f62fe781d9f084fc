"""Right answers to homework 2: the reference, and others written differently."""

from solutions.variants import changed, text

REFERENCE = {
    "q1": text("""
        def backward_norms(weights, x, error):
            h = [x]
            for W in weights:
                h.append(torch.relu(W @ h[-1]))
            delta = error
            norms = [delta.norm()]
            for W, out in zip(weights[::-1], h[:0:-1]):
                delta = W.T @ ((out > 0) * delta)
                norms.append(delta.norm())
            return torch.stack(norms[::-1])
    """),
    "q2": text("""
        def draw_weights(fan_in, fan_out, scheme, seed):
            random = torch.Generator().manual_seed(seed)
            if scheme == "he":
                variance = 2 / fan_in
            else:
                variance = 2 / (fan_in + fan_out)
            return math.sqrt(variance) * torch.randn(fan_out, fan_in, generator=random)
    """),
    "q3": text("""
        def level_gain(steep, leak, square):
            z = torch.linspace(-8, 8, 100_001, dtype=torch.float64)
            weight = torch.exp(-(z**2) / 2)
            weight = weight / weight.sum()
            a = math.sqrt(square) * z
            bent = torch.tanh(steep * a)
            squares = (weight * (bent + leak * a) ** 2).sum()
            slopes = (weight * (steep * (1 - bent**2) + leak) ** 2).sum()
            gain = torch.sqrt(square / squares)
            return gain.item(), (gain * torch.sqrt(slopes)).item()
    """),
    "q4": text("""
        def build(seed):
            sizes = [64] + [mine["width"]] * mine["depth"] + [10]
            gain = nn.init.calculate_gain("relu")
            matrices = []
            torch.manual_seed(seed)
            for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True):
                W = torch.randn(fan_out, fan_in)
                matrices.append(gain * W / math.sqrt(fan_in))
            return matrices
    """),
}
Q1, Q2, Q3, Q4 = (REFERENCE[question] for question in ("q1", "q2", "q3", "q4"))

RIGHT = {
    "q1": {
        "autograd": text("""
            def backward_norms(weights, x, error):
                h = [x.requires_grad_()]
                for W in weights:
                    h.append(torch.nn.functional.linear(h[-1], W).relu())
                grads = torch.autograd.grad(h[-1], h, error)
                return torch.tensor([g.norm() for g in grads], dtype=torch.float64)
        """),
        "the package's function": text("""
            def backward_norms(weights, x, error):
                h = [x.requires_grad_()]
                for W in weights:
                    h.append((W @ h[-1]).relu())
                return torch.tensor(backward.norms_of_gradients((h[-1] * error).sum(), h))
        """),
        "masks kept, einsum": text("""
            def backward_norms(weights, x, error):
                masks = []
                for W in weights:
                    a = torch.einsum("ij,j->i", W, x)
                    masks.append((a > 0).double())
                    x = a * masks[-1]
                norms = torch.zeros(len(weights) + 1, dtype=torch.float64)
                norms[-1] = error.norm()
                for i in reversed(range(len(weights))):
                    error = torch.einsum("ij,i->j", weights[i], masks[i] * error)
                    norms[i] = error.norm()
                return norms
        """),
        "recursion": text("""
            def backward_norms(weights, x, error):
                def back(i, h):
                    if i == len(weights):
                        return error, [error.norm()]
                    a = weights[i] @ h
                    delta, norms = back(i + 1, a.relu())
                    delta = torch.where(a > 0, delta, 0.0) @ weights[i]
                    return delta, [delta.norm(), *norms]

                return torch.stack(back(0, x)[1])
        """),
        "Jacobians multiplied": text("""
            def backward_norms(weights, x, error):
                J, h = [], x
                for W in weights:
                    a = W @ h
                    J.append(torch.diag((a > 0).double()) @ W)
                    h = a.relu()
                rows = [error]
                for jacobian in J[::-1]:
                    rows.insert(0, rows[0] @ jacobian)
                return torch.stack([torch.linalg.vector_norm(row) for row in rows])
        """),
        "numpy": text("""
            def backward_norms(weights, x, error):
                h, W = [x.numpy()], [w.numpy() for w in weights]
                for w in W:
                    h.append(np.maximum(w @ h[-1], 0))
                delta = error.numpy()
                out = [np.linalg.norm(delta)]
                for k in range(len(W), 0, -1):
                    delta = W[k - 1].T @ np.where(h[k] > 0, delta, 0)
                    out.append(np.linalg.norm(delta))
                return torch.tensor(np.array(out)[::-1].copy())
        """),
        "in place": changed(Q1, ("W.T @ ((out > 0) * delta)", "W.T @ delta.masked_fill_(out == 0, 0)")),
    },
    "q2": {
        "PyTorch's functions": text("""
            def draw_weights(fan_in, fan_out, scheme, seed):
                torch.manual_seed(seed)
                W = torch.empty(fan_out, fan_in)
                if scheme == "he":
                    return nn.init.kaiming_normal_(W, nonlinearity="relu")
                return nn.init.xavier_normal_(W)
        """),
        "numpy, float64": text("""
            def draw_weights(fan_in, fan_out, scheme, seed):
                rng = np.random.default_rng(seed)
                std = {"he": np.sqrt(2 / fan_in), "xavier": np.sqrt(2 / (fan_in + fan_out))}[scheme]
                return torch.from_numpy(rng.normal(0.0, std, size=(fan_out, fan_in)))
        """),
        "transposed in the end": changed(
            Q2, ("torch.randn(fan_out, fan_in, generator=random)", "torch.randn(fan_in, fan_out, generator=random).T")
        ),
        "normal_ with a generator": changed(
            Q2,
            (
                "math.sqrt(variance) * torch.randn(fan_out, fan_in, generator=random)",
                "torch.empty(fan_out, fan_in).normal_(0, variance**0.5, generator=random)",
            ),
        ),
        "Box and Muller": changed(
            Q2,
            (
                "torch.randn(fan_out, fan_in, generator=random)",
                "(-2 * torch.rand(fan_out, fan_in, generator=random, dtype=torch.float64).log()).sqrt() * "
                "torch.cos(2 * math.pi * torch.rand(fan_out, fan_in, generator=random, dtype=torch.float64))",
            ),
        ),
        "row by row": changed(
            Q2,
            (
                "torch.randn(fan_out, fan_in, generator=random)",
                "torch.stack([torch.randn(fan_in, generator=random) for _ in range(fan_out)])",
            ),
        ),
        "a layer's weight, with its gradient": changed(
            Q2, ("return math", "return nn.Parameter(math"), ("generator=random)", "generator=random))")
        ),
    },
    "q3": {
        "four million random numbers": changed(
            Q3,
            (
                "z = torch.linspace(-8, 8, 100_001, dtype=torch.float64)",
                "z = torch.randn(4_000_000, generator=torch.Generator().manual_seed(1))",
            ),
            ("weight = torch.exp(-(z**2) / 2)\n    weight = weight / weight.sum()", "weight = 1 / len(z)"),
        ),
        "the middles of a hundred thousand equal shares": changed(
            Q3,
            (
                "z = torch.linspace(-8, 8, 100_001, dtype=torch.float64)",
                "z = torch.special.ndtri((torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000)",
            ),
            ("weight = torch.exp(-(z**2) / 2)\n    weight = weight / weight.sum()", "weight = 1 / len(z)"),
        ),
        "trapezoids, an array": text("""
            def level_gain(steep, leak, square):
                z = np.linspace(-10, 10, 20_001)
                density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
                a = z * square**0.5
                f = np.tanh(steep * a) + leak * a
                slope = np.gradient(f, a)
                gain = np.sqrt(square / np.trapezoid(f * f * density, z))
                return np.array([gain, gain * np.sqrt(np.trapezoid(slope**2 * density, z))])
        """),
        "slopes by autograd": text("""
            def level_gain(steep, leak, square):
                z = torch.linspace(-8, 8, 50_001, dtype=torch.float64)
                w = torch.softmax(-z.square() / 2, dim=0)
                a = (square**0.5 * z).requires_grad_()
                out = torch.tanh(steep * a) + leak * a
                (slope,) = torch.autograd.grad(out.sum(), a)
                gain = (square / (w @ out**2)).sqrt()
                return torch.stack([gain, gain * (w @ slope**2).sqrt()])
        """),
        "half of the line": changed(Q3, ("torch.linspace(-8, 8", "torch.linspace(0, 8")),
        "a fixed point by bisection": changed(
            Q3,
            (
                "gain = torch.sqrt(square / squares)",
                "low, high = 1e-6, 1e6\n    for _ in range(200):\n        gain = torch.tensor((low * high) ** 0.5)\n"
                "        low, high = (gain.item(), high) if gain**2 * squares < square else (low, gain.item())",
            ),
        ),
        "a float32 grid": changed(Q3, ("dtype=torch.float64", "dtype=torch.float32")),
    },
    "q4": {
        "PyTorch's He": text("""
            def build(seed):
                torch.manual_seed(seed)
                sizes = [64, *[mine["width"]] * mine["depth"], 10]
                return [
                    nn.init.kaiming_normal_(torch.empty(n, m), nonlinearity="relu")
                    for m, n in zip(sizes[:-1], sizes[1:], strict=True)
                ]
        """),
        "uniform weights": changed(
            Q4, ("torch.randn(fan_out, fan_in)", "(2 * torch.rand(fan_out, fan_in) - 1) * math.sqrt(3)")
        ),
        "a seed for each layer": changed(
            Q4,
            ("    torch.manual_seed(seed)\n", ""),
            ("        W = ", "        torch.manual_seed(100 * seed + len(matrices))\n        W = "),
        ),
        "orthogonal times root two": text("""
            def build(seed):
                torch.manual_seed(seed)
                sizes = [64] + [mine["width"]] * mine["depth"] + [10]
                matrices = [torch.empty(n, m) for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
                for W in matrices:
                    nn.init.orthogonal_(W, 2**0.5)
                return matrices
        """),
        "the package's network": text("""
            def build(seed):
                shape = {"inputs": 64, "outputs": 10, "seed": seed}
                net = networks.deep_network(mine["depth"], mine["width"], **shape)
                return [p for p in net.parameters() if p.ndim == 2]
        """),
        "numpy, in a tuple": text("""
            def build(seed):
                rng = np.random.default_rng(seed)
                n = mine["width"]
                shapes = [(n, 64)] + [(n, n)] * (mine["depth"] - 1) + [(10, n)]
                return tuple(torch.tensor(rng.normal(0, (2 / s[1]) ** 0.5, s)) for s in shapes)
        """),
        "a small output layer": changed(Q4, ("    return matrices", "    matrices[-1] /= 2\n    return matrices")),
    },
}
