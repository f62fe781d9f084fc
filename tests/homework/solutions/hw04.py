"""Right answers to homework 4: the reference, and others written differently."""

from solutions.variants import changed, text

REFERENCE = {
    "q1": text("""
        def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
            center, spread = mean, var
            if training:
                center, spread = x.mean(dim=0), x.var(dim=0, correction=0)
                mean = mean + momentum * (center - mean)
                var = var + momentum * (x.var(dim=0) - var)
            y = gamma * (x - center) / torch.sqrt(spread + eps) + beta
            return y, mean, var
    """),
    "q2": text("""
        def weight_gradient(x, weight, error, scale):
            w = (scale * weight).requires_grad_()
            z = x @ w.T
            u = (z - z.mean(dim=0)) / z.std(dim=0, correction=0)
            (gradient,) = torch.autograd.grad((u * error).sum(), w)
            return gradient
    """),
    "q3": text("""
        def growth(values, slopes, norm):
            below = values.square().mean()
            if norm == "batch":
                below = below - values.mean() ** 2
            return (slopes.square().mean() / below).sqrt()
    """),
    "q4": text("""
        factor = math.pi / (math.pi - 1)
        squared = 0.5 * factor ** (mine["layers"] - 1)
        per_block = (mine["factor"] ** 2 / squared) ** (1 / mine["blocks"])
        branch_scale = math.sqrt(per_block - 1)
    """),
    "q5": text("""
        def residual_stack(blocks, width, seed):
            random = torch.Generator().manual_seed(seed)
            stack = []
            for _ in range(blocks):
                W = torch.randn(width, width, generator=random) * (2 / width) ** 0.5
                V = torch.randn(width, width, generator=random) * (1 / width) ** 0.5
                stack.append((W, V, blocks**-0.5))
            return stack
    """),
}

RIGHT = {
    "q1": {
        "PyTorch's": text("""
            def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
                mean, var = mean.clone(), var.clone()
                functional = torch.nn.functional
                y = functional.batch_norm(x, mean, var, gamma, beta, training, momentum, eps)
                return [y, mean, var]
        """),
        "a module": text("""
            def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
                module = torch.nn.BatchNorm1d(x.shape[1], eps=eps, momentum=momentum, dtype=x.dtype)
                with torch.no_grad():
                    module.weight.copy_(gamma)
                    module.bias.copy_(beta)
                module.running_mean.copy_(mean)
                module.running_var.copy_(var)
                module.train(training)
                return module(x), module.running_mean, module.running_var
        """),
        "in NumPy": text("""
            def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
                x, gamma, beta, mean, var = (t.numpy() for t in (x, gamma, beta, mean, var))
                if training:
                    m, v = np.mean(x, axis=0), np.var(x, axis=0)
                    mean = (1 - momentum) * mean + momentum * m
                    var = (1 - momentum) * var + momentum * v * len(x) / (len(x) - 1)
                else:
                    m, v = mean, var
                y = gamma * (x - m) / np.sqrt(v + eps) + beta
                return tuple(torch.from_numpy(np.array(one)) for one in (y, mean, var))
        """),
        "unit by unit": text("""
            def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
                y, new_mean, new_var = torch.empty_like(x), mean.clone(), var.clone()
                for unit in range(x.shape[1]):
                    column = x[:, unit]
                    m, v = mean[unit], var[unit]
                    if training:
                        m = column.sum() / len(column)
                        squares = ((column - m) ** 2).sum()
                        v = squares / len(column)
                        new_mean[unit] = (1 - momentum) * mean[unit] + momentum * m
                        new_var[unit] = (1 - momentum) * var[unit] + momentum * squares / (len(column) - 1)
                    y[:, unit] = (column - m) * gamma[unit] / (v + eps) ** 0.5 + beta[unit]
                return y, new_mean, new_var
        """),
        "in float32": text("""
            def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
                x, gamma, beta, mean, var = (t.float() for t in (x, gamma, beta, mean, var))
                if not training:
                    return gamma * (x - mean) * torch.rsqrt(var + eps) + beta, mean, var
                v, m = torch.var_mean(x, dim=0, correction=0)
                y = gamma * (x - m) * torch.rsqrt(v + eps) + beta
                n = x.shape[0]
                return y, torch.lerp(mean, m, momentum), torch.lerp(var, v * n / (n - 1), momentum)
        """),
        "with lerp and addcmul": text("""
            def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
                if training:
                    used = x.mean(0), ((x - x.mean(0)) ** 2).mean(0)
                    mean, var = mean.lerp(x.mean(0), momentum), var.lerp(x.var(0), momentum)
                else:
                    used = mean, var
                return torch.addcmul(beta, (x - used[0]) / (used[1] + eps).sqrt(), gamma), mean, var
        """),
    },
    "q2": {
        "by hand": text("""
            def weight_gradient(x, weight, error, scale):
                z = x @ (scale * weight).T
                s = z.std(dim=0, correction=0)
                u = (z - z.mean(dim=0)) / s
                in_z = (error - error.mean(dim=0) - u * (error * u).mean(dim=0)) / s
                return in_z.T @ x
        """),
        "at scale 1, then divided": text("""
            def weight_gradient(x, weight, error, scale):
                w = weight.clone().requires_grad_()
                z = x @ w.T
                u = (z - z.mean(0)) / z.var(0, unbiased=False).sqrt()
                (u * error).sum().backward()
                return w.grad / scale
        """),
        "backward": text("""
            def weight_gradient(x, weight, error, scale):
                w = torch.nn.Parameter(weight * scale)
                u = torch.nn.functional.linear(x, w)
                u = torch.nn.functional.batch_norm(u, None, None, training=True, eps=1e-20)
                torch.sum(u * error).backward()
                return w.grad
        """),
        "torch.func": text("""
            def weight_gradient(x, weight, error, scale):
                def loss(w):
                    z = torch.einsum("bn,mn->bm", x, w)
                    centred = z - z.mean(dim=0)
                    return (error * centred / centred.square().mean(dim=0).sqrt()).sum()

                return torch.func.grad(loss)(scale * weight)
        """),
        "finite differences": text("""
            def weight_gradient(x, weight, error, scale):
                def loss(w):
                    z = x @ w.T
                    return ((z - z.mean(0)) / z.std(0, correction=0) * error).sum()

                w, tiny = scale * weight, 1e-5 * scale
                gradient = torch.zeros_like(w)
                for i in range(w.shape[0]):
                    for j in range(w.shape[1]):
                        change = torch.zeros_like(w)
                        change[i, j] = tiny
                        gradient[i, j] = (loss(w + change) - loss(w - change)) / (2 * tiny)
                return gradient
        """),
        "by the chain rule through scale": text("""
            def weight_gradient(x, weight, error, scale):
                v = weight.detach().clone().requires_grad_(True)
                z = x @ (scale * v).T
                u = (z - z.mean(0, keepdim=True)) / z.std(0, correction=0, keepdim=True)
                return torch.autograd.grad((u * error).sum(), v)[0] / scale
        """),
    },
    "q3": {
        "variance": text("""
            def growth(values, slopes, norm):
                if norm == "batch":
                    return float(torch.sqrt(torch.mean(slopes**2) / torch.var(values)))
                return float(torch.sqrt(torch.mean(slopes**2) / torch.mean(values**2)))
        """),
        "norms": text("""
            def growth(values, slopes, norm):
                centred = values - values.mean() if norm == "batch" else values
                return slopes.norm() / centred.norm()
        """),
        "in NumPy": text("""
            def growth(values, slopes, norm):
                values, slopes = values.numpy(), slopes.numpy()
                below = {"batch": values.var(), "layer": (values * values).mean()}[norm]
                return np.sqrt((slopes * slopes).mean() / below)
        """),
        "logarithms": text("""
            def growth(values, slopes, norm):
                below = values.var(correction=0) + (values.mean() ** 2 if norm == "layer" else 0)
                return math.exp((math.log(slopes.square().mean()) - math.log(below)) / 2)
        """),
        "sums": text("""
            def growth(values, slopes, norm):
                mean = values.sum() / len(values) if norm != "layer" else 0.0
                return ((slopes * slopes).sum() / ((values - mean) ** 2).sum()) ** 0.5
        """),
        "float32": text("""
            def growth(values, slopes, norm):
                v, s = values.float(), slopes.float()
                v = v - v.mean() * (norm == "batch")
                return torch.linalg.vector_norm(s) / torch.linalg.vector_norm(v)
        """),
    },
    "q4": {
        "logarithms": text("""
            nats = math.log(mine["factor"]) - math.log(math.pi / (math.pi - 1)) / 2 * (mine["layers"] - 1)
            nats += math.log(2) / 2
            branch_scale = math.sqrt(math.expm1(2 * nats / mine["blocks"]))
        """),
        "bisection": text("""
            def grown(scale):
                layers = 0.5**0.5 * (math.pi / (math.pi - 1)) ** ((mine["layers"] - 1) / 2)
                return layers * (1 + scale**2) ** (mine["blocks"] / 2)


            low, high = 0.0, 2.0
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (middle, high) if grown(middle) < mine["factor"] else (low, middle)
            branch_scale = low
        """),
        "as a tensor": REFERENCE["q4"] + "branch_scale = torch.tensor(branch_scale)\n",
        "rounded": REFERENCE["q4"] + "branch_scale = round(branch_scale, 3)\n",
        "in NumPy": changed(REFERENCE["q4"], ("math.sqrt", "np.sqrt"), ("math.pi", "np.pi")),
        "a search": text("""
            scales = np.linspace(0.01, 2, 200_000)
            layers = np.sqrt(0.5) * 1.2112 ** (mine["layers"] - 1)
            grown = layers * np.sqrt(1 + scales**2) ** mine["blocks"]
            branch_scale = scales[np.argmin(np.abs(grown - mine["factor"]))]
        """),
    },
    "q5": {
        "the package's": text("""
            def residual_stack(blocks, width, seed):
                made = residual.residual_network(blocks, width, scale=blocks**-0.5, seed=seed)
                return [(b.branch[0].weight, b.branch[-1].weight, b.scale) for b in made]
        """),
        "zero branches, and scaled": changed(
            REFERENCE["q5"],
            ("V = torch.randn(width, width, generator=random) * (1 / width) ** 0.5", "V = W.new_zeros(W.shape)"),
        ),
        "half the scale": changed(REFERENCE["q5"], ("blocks**-0.5", "0.5 * blocks**-0.5")),
        "one over the depth": changed(REFERENCE["q5"], ("blocks**-0.5", "1 / blocks")),
        "uniform weights, in NumPy": text("""
            def residual_stack(blocks, width, seed):
                random = np.random.default_rng(seed)
                stack = []
                for _ in range(blocks):
                    W = random.uniform(-1, 1, (width, width)) * np.sqrt(6 / width)
                    V = random.uniform(-1, 1, (width, width)) * np.sqrt(3 / width)
                    stack.append([torch.from_numpy(W), torch.from_numpy(V), 0.9 / np.sqrt(blocks)])
                return stack
        """),
        "orthogonal": text("""
            def residual_stack(blocks, width, seed):
                torch.manual_seed(seed)
                stack = []
                for _ in range(blocks):
                    W, V = torch.empty(2, width, width)
                    torch.nn.init.orthogonal_(W, gain=2**0.5)
                    torch.nn.init.orthogonal_(V)
                    stack.append((W, V, 0.8 * blocks**-0.5))
                return stack
        """),
        "scales that add up": changed(
            REFERENCE["q5"],
            ("for _ in range(blocks)", "for k in range(blocks)"),
            ("blocks**-0.5", "((1 + (k % 2)) / 1.6 / blocks) ** 0.5"),
        ),
    },
}
