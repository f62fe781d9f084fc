"""Right answers to homework 3: the reference, and others written differently."""

from solutions.variants import changed, text

REFERENCE = {
    "q1": text("""
        def gradients(w, u, x, target):
            h = [0.0]
            for entry in x.tolist():
                h.append(w * h[-1] + u * entry)
            delta, in_w, in_u = h[-1] - target, 0.0, 0.0
            for t in range(len(x), 0, -1):
                in_w += delta * h[t - 1]
                in_u += delta * x[t - 1].item()
                delta *= w
            return in_w, in_u
    """),
    "q2": text("""
        def clip_grad_norm_(parameters, max_norm):
            gradients = [p.grad for p in parameters if p.grad is not None]
            squares = [g.double().square().sum() for g in gradients]
            norm = torch.stack([torch.zeros(()).double(), *squares]).sum().sqrt()
            if norm.isfinite() and norm > max_norm:
                for g in gradients:
                    g.mul_(max_norm / norm)
            return norm
    """),
    "q3": text("""
        def lstm_step(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
            four = x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh
            i, f, g, o = four.chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            return torch.sigmoid(o) * torch.tanh(c), c
    """),
    "q4": text("""
        gate = mine["share"] ** (1 / mine["steps"])
        biases = torch.zeros(2, 4 * mine["units"], dtype=torch.float64)
        biases[0, mine["units"] : 2 * mine["units"]] = math.log(gate / (1 - gate))
    """),
    "q5": text("""
        settings = {"rate": 0.3 / loss_scale, "max_norm": 1.0 * loss_scale}
    """),
}
Q1, Q2, Q3, Q4, Q5 = (REFERENCE[question] for question in ("q1", "q2", "q3", "q4", "q5"))

RIGHT = {
    "q1": {
        "autograd": text("""
            def gradients(w, u, x, target):
                w, u = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (w, u))
                h = torch.zeros((), dtype=torch.float64)
                for entry in x:
                    h = w * h + u * entry
                return torch.autograd.grad((h - target) ** 2 / 2, (w, u))
        """),
        "sensitivities, forward in time": text("""
            def gradients(w, u, x, target):
                h = in_w = in_u = 0.0
                for entry in x:
                    in_w, in_u = h + w * in_w, entry + w * in_u
                    h = w * h + u * entry
                return (h - target) * in_w, (h - target) * in_u
        """),
        "a list of tensors": changed(Q1, ("return in_w, in_u", "return [torch.tensor(in_w), torch.tensor(in_u)]")),
        "tensors of shape (1,)": changed(
            Q1, ("return in_w, in_u", "return torch.tensor([in_w]), torch.tensor([in_u])")
        ),
        "one array": text("""
            def gradients(w, u, x, target):
                x = x.numpy()
                T = len(x)
                h = np.zeros(T + 1)
                for t in range(T):
                    h[t + 1] = w * h[t] + u * x[t]
                back = (h[T] - target) * np.power(float(w), np.arange(T)[::-1])
                return np.array([back @ h[:T], back @ x])
        """),
        "powers of w": text("""
            def gradients(w, u, x, target):
                T = len(x)
                w_to = w ** torch.arange(T - 1, -1, -1, dtype=torch.float64)
                error = u * (w_to * x).sum() - target
                in_u = error * (w_to * x).sum()
                in_w = 0.0
                for t in range(1, T):  # h_t was multiplied by w in each of T - t steps
                    in_w += u * x[t - 1] * (T - t) * w ** (T - t - 1)
                return error * in_w, in_u
        """),
        "recursion": text("""
            def gradients(w, u, x, target):
                def walk(h, t):
                    if t == len(x):
                        return h - target, 0.0, 0.0
                    delta, in_w, in_u = walk(w * h + u * x[t], t + 1)
                    return w * delta, in_w + delta * h, in_u + delta * x[t]

                return walk(torch.zeros(()).double(), 0)[1:]
        """),
    },
    "q2": {
        "a loop and math": text("""
            def clip_grad_norm_(parameters, max_norm):
                norm = 0.0
                for p in parameters:
                    if p.grad is not None:
                        norm = math.hypot(norm, torch.linalg.vector_norm(p.grad.double()).item())
                if math.isfinite(norm) and norm > max_norm:
                    for p in parameters:
                        if p.grad is not None:
                            p.grad *= max_norm / norm
                return norm
        """),
        "by the largest entry": text("""
            def clip_grad_norm_(parameters, max_norm):
                grads = [p.grad for p in parameters if p.grad is not None]
                if not grads:
                    return 0
                largest = max((g.abs().max() for g in grads), key=lambda m: torch.nan_to_num(m, nan=math.inf))
                if not all(g.isfinite().all() for g in grads):
                    return math.inf
                if largest == 0:
                    return 0.0
                norm = largest * sum((g / largest).square().sum() for g in grads).sqrt()
                if norm > max_norm:
                    for g in grads:
                        g.copy_(g * (max_norm / norm))
                return float(norm)
        """),
        "new gradients": text("""
            def clip_grad_norm_(parameters, max_norm):
                with_grad = [p for p in parameters if p.grad is not None]
                norm = torch.cat([torch.zeros(1).double(), *[p.grad.flatten().double() for p in with_grad]]).norm()
                if max_norm < norm < torch.inf:
                    for p in with_grad:
                        p.grad = p.grad * (max_norm / norm)
                return norm
        """),
        "a clamped factor": text("""
            @torch.no_grad()
            def clip_grad_norm_(parameters, max_norm):
                grads = [p.grad for p in parameters if p.grad is not None]
                if not grads:
                    return torch.zeros(())
                norm = torch.stack([g.to(torch.float64).norm() for g in grads]).norm()
                if torch.isfinite(norm):
                    factor = (max_norm / (norm + 1e-9)).clamp(max=1.0)
                    for g in grads:
                        g.mul_(factor)
                return norm
        """),
        "through .data, with a small number": changed(
            Q2,
            ("[p.grad for p", "[p.grad.data for p"),
            ("max_norm / norm", "max_norm / (norm + 1e-6)"),
        ),
        "numpy": text("""
            def clip_grad_norm_(parameters, max_norm):
                arrays = [p.grad.numpy() for p in parameters if p.grad is not None]
                norm = np.sqrt(sum(np.sum(a.astype(np.float64) ** 2) for a in arrays))
                if np.isfinite(norm) and norm > max_norm:
                    for a in arrays:
                        a *= max_norm / norm
                return norm
        """),
    },
    "q3": {
        "F.linear and split": text("""
            def lstm_step(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
                linear = nn.functional.linear
                four = linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh)
                i, f, g, o = four.split(h.shape[1], dim=-1)
                new = f.sigmoid() * c + i.sigmoid() * g.tanh()
                return [o.sigmoid() * new.tanh(), new]
        """),
        "nn.LSTMCell itself": text("""
            def lstm_step(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
                cell = nn.LSTMCell(x.shape[1], h.shape[1], dtype=x.dtype)
                cell.weight_ih.data, cell.weight_hh.data = weight_ih, weight_hh
                cell.bias_ih.data, cell.bias_hh.data = bias_ih, bias_hh
                return cell(x, (h, c))
        """),
        "einsum": text("""
            def lstm_step(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
                n = h.size(1)
                W, U, b = weight_ih.view(4, n, -1), weight_hh.view(4, n, n), (bias_ih + bias_hh).view(4, 1, n)
                parts = torch.einsum("kni,bi->kbn", W, x) + torch.einsum("knm,bm->kbn", U, h) + b
                gates = torch.sigmoid(parts)
                c = gates[1] * c + gates[0] * torch.tanh(parts[2])
                return gates[3] * torch.tanh(c), c
        """),
        "one example at a time": text("""
            def lstm_step(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
                n, hs, cs = h.shape[1], [], []
                for k in range(len(x)):
                    a = weight_ih @ x[k] + weight_hh @ h[k] + bias_ih + bias_hh
                    i, f, o = (torch.sigmoid(a[j * n : (j + 1) * n]) for j in (0, 1, 3))
                    cs.append(f * c[k] + i * torch.tanh(a[2 * n : 3 * n]))
                    hs.append(o * torch.tanh(cs[-1]))
                return torch.stack(hs), torch.stack(cs)
        """),
        "one matrix for both": text("""
            def lstm_step(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
                joint = torch.cat([x, h], dim=1) @ torch.cat([weight_ih, weight_hh], dim=1).T
                i, f, g, o = (joint + bias_ih + bias_hh).reshape(len(x), 4, -1).unbind(dim=1)
                c = torch.sigmoid(f).mul(c).add(torch.sigmoid(i) * torch.tanh(g))
                return torch.sigmoid(o) * torch.tanh(c), c
        """),
        "in place on the cell": changed(
            Q3,
            (
                "c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)",
                "c.mul_(f.sigmoid()).add_(i.sigmoid() * g.tanh())",
            ),
        ),
        "tanh from the sigmoid": changed(
            Q3, ("torch.tanh(g)", "(2 * torch.sigmoid(2 * g) - 1)"), ("torch.tanh(c)", "(2 * torch.sigmoid(2 * c) - 1)")
        ),
    },
    "q4": {
        "in the other vector": changed(Q4, ("biases[0,", "biases[1,")),
        "halves": changed(
            Q4, ("biases[0,", "biases[:,"), ("math.log(gate / (1 - gate))", "math.log(gate / (1 - gate)) / 2")
        ),
        "for long times": text("""
            b = math.log(mine["steps"] / -math.log(mine["share"]))
            zeros = [0.0] * mine["units"]
            biases = [zeros + [b] * mine["units"] + zeros * 2, zeros * 4]
        """),
        "an nn.LSTM": text("""
            n = mine["units"]
            lstm = nn.LSTM(1, n, dtype=torch.float64)
            for name, p in lstm.named_parameters():
                nn.init.zeros_(p)
            lstm.bias_ih_l0.data[n : 2 * n] = -math.log(mine["share"] ** (-1 / mine["steps"]) - 1)
            biases = torch.stack([lstm.bias_ih_l0, lstm.bias_hh_l0])
        """),
        "numpy, by bisection": text("""
            low, high = 0.0, 20.0
            for _ in range(60):
                b = (low + high) / 2
                if (1 / (1 + np.exp(-b))) ** mine["steps"] < mine["share"]:
                    low = b
                else:
                    high = b
            n = mine["units"]
            biases = np.zeros((2, 4, n))
            biases[0, 1] = b
            biases = biases.reshape(2, -1)
        """),
        "a pair of vectors, float32": changed(Q4, (", dtype=torch.float64", "")) + "biases = (biases[0], biases[1])\n",
    },
    "q5": {
        "a bit slower": "settings = dict(rate=0.25 / loss_scale, max_norm=loss_scale)\n",
        "a bit faster, clipped lower": 'settings = {"max_norm": 0.8 * loss_scale, "rate": 0.3 / loss_scale}\n',
        "as tensors": 'settings = {"rate": torch.tensor(0.3) / loss_scale, "max_norm": torch.tensor(loss_scale)}\n',
        "by the scale of the healthy norms": 'S = loss_scale\nsettings = {"rate": 3e-1 / S, "max_norm": 9e-1 * S}\n',
        "NumPy numbers": 'settings = {"rate": np.float64(0.28) / loss_scale, "max_norm": np.float64(loss_scale)}\n',
        "a whole number": 'settings = {"rate": 0.3 / loss_scale, "max_norm": int(loss_scale)}\n',
    },
}
