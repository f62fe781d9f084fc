"""Wrong answers to homework 3, and the properties that are meant for them."""

from solutions.hw03 import Q1, Q2, Q3, Q4
from solutions.variants import changed, text

WRONG = {
    "q1": {
        "the last step only": changed(Q1, ("range(len(x), 0, -1)", "[len(x)]")),
        "the new state in the place of the old": changed(Q1, ("delta * h[t - 1]", "delta * h[t]")),
        "the next input": changed(Q1, ("x[t - 1].item()", "x[t % len(x)].item()")),
        "delta multiplied too early": changed(
            Q1, ("        delta *= w\n", ""), ("        in_w +=", "        delta *= w\n        in_w +=")
        ),
        "never multiplied": changed(Q1, ("        delta *= w\n", "")),
        "divided": changed(Q1, ("delta *= w", "delta /= w")),
        "multiplied by u": changed(Q1, ("delta *= w", "delta *= u")),
        "the error the wrong way round": changed(Q1, ("h[-1] - target", "target - h[-1]")),
        "twice the error": changed(Q1, ("h[-1] - target", "2 * (h[-1] - target)")),
        "without the error": changed(Q1, ("h[-1] - target", "1.0")),
        "stops a step too soon": changed(Q1, ("range(len(x), 0, -1)", "range(len(x), 1, -1)")),
        "exchanged": changed(Q1, ("return in_w, in_u", "return in_u, in_w")),
        "overwritten, not added": changed(Q1, ("in_w +=", "in_w ="), ("in_u +=", "in_u =")),
        "starts at one": changed(Q1, ("h = [0.0]", "h = [1.0]")),
        "powers, fails at w = 0": text("""
            def gradients(w, u, x, target):
                h = [0.0]
                for entry in x.tolist():
                    h.append(w * h[-1] + u * entry)
                error = h[-1] - target
                power = w ** len(x)
                in_w = in_u = 0.0
                for t in range(len(x)):
                    power /= w
                    in_w += error * power * h[t]
                    in_u += error * power * x[t].item()
                return in_w, in_u
        """),
        "fails at a single step": changed(Q1, ("delta, in_w", "x[1]\n    delta, in_w")),
        "only one of them": changed(Q1, ("return in_w, in_u", "return in_w")),
        "from the first step on": changed(Q1, ("range(len(x), 0, -1)", "range(1, len(x) + 1)")),
    },
    "q2": {
        "PyTorch's own": text("""
            def clip_grad_norm_(parameters, max_norm):
                return nn.utils.clip_grad_norm_(parameters, max_norm)
        """),
        "each by itself": text("""
            def clip_grad_norm_(parameters, max_norm):
                total = 0.0
                for p in parameters:
                    if p.grad is not None:
                        norm = p.grad.double().norm()
                        total += norm**2
                        if norm.isfinite() and norm > max_norm:
                            p.grad.mul_(max_norm / norm)
                return torch.as_tensor(total).sqrt()
        """),
        "by value": changed(Q2, ("g.mul_(max_norm / norm)", "g.clamp_(-max_norm, max_norm)")),
        "the norm after clipping": changed(Q2, ("return norm", "return norm.clamp(max=max_norm)")),
        "the sum of the norms": changed(Q2, ("square().sum()", "norm()"), (".sum().sqrt()", ".sum()")),
        "the sum of the absolute values": changed(Q2, ("square().sum()", "abs().sum()"), (".sum().sqrt()", ".sum()")),
        "the largest of the norms": changed(Q2, (".sum().sqrt()", ".max().sqrt()")),
        "the squared norm": changed(Q2, (".sum().sqrt()", ".sum()")),
        "always rescaled": changed(Q2, (" and norm > max_norm", "")),
        "always rescaled, but for zeros": changed(Q2, ("norm > max_norm", "norm > 0")),
        "divided by the norm alone": changed(Q2, ("max_norm / norm", "1 / norm")),
        "upside down": changed(Q2, ("max_norm / norm", "norm / max_norm")),
        "only below": changed(Q2, ("norm > max_norm", "norm < max_norm")),
        "not in place": changed(Q2, ("g.mul_(max_norm / norm)", "g = g * (max_norm / norm)")),
        "the parameters, too": changed(
            Q2, ("    return norm", "    for p in parameters:\n        p.data.mul_(0.99)\n    return norm")
        ),
        "the parameters instead": changed(
            Q2, ("for g in gradients:\n            g.mul_", "for p in parameters:\n            p.data.mul_")
        ),
        "None not passed over": changed(Q2, (" if p.grad is not None", "")),
        "None becomes zeros": changed(Q2, ("p.grad for p in", "grad_of(p) for p in"), (" if p.grad is not None", ""))
        + text("""
            def grad_of(p):
                if p.grad is None:
                    p.grad = torch.zeros_like(p)
                return p.grad
        """),
        "squares in float32": changed(Q2, ("g.double()", "g")),
        "infinity not looked for": changed(Q2, ("norm.isfinite() and ", "")),
        "zeros in the place of infinity": changed(
            Q2,
            (
                "    return norm",
                "    if not norm.isfinite():\n        for g in gradients:\n            g.zero_()\n    return norm",
            ),
        ),
        "zero in the place of an infinite norm": changed(
            Q2, ("return norm", "return torch.nan_to_num(norm, 0.0, 0.0)")
        ),
        "raises at infinity": changed(
            Q2, ("    if norm.isfinite() and", "    if not norm.isfinite():\n        raise ValueError(norm)\n    if")
        ),
        "a generous guard": changed(Q2, ("max_norm / norm", "max_norm / (norm + 0.1)")),
        "a small guard": changed(Q2, ("max_norm / norm", "max_norm / (norm + 1e-4)")),
        "only what is well above": changed(Q2, ("norm > max_norm", "norm > 1.05 * max_norm")),
        "shortened too early": changed(Q2, ("norm > max_norm", "norm > 0.95 * max_norm")),
        "fails without any gradient": changed(Q2, ("torch.zeros(()).double(), ", "")),
        "the first parameter left out": changed(
            Q2, ("for g in gradients:\n            g.mul_", "for g in gradients[1:]:\n            g.mul_")
        ),
        "returns nothing": changed(Q2, ("    return norm\n", "")),
    },
    "q3": {
        "i and f exchanged": changed(Q3, ("i, f, g, o", "f, i, g, o")),
        "Keras's order": changed(Q3, ("i, f, g, o", "i, f, o, g")),
        "c, then h": changed(
            Q3, ("return torch.sigmoid(o) * torch.tanh(c), c", "return c, torch.sigmoid(o) * torch.tanh(c)")
        ),
        "no tanh on the way out": changed(Q3, ("torch.sigmoid(o) * torch.tanh(c)", "torch.sigmoid(o) * c")),
        "sigmoid for the offer": changed(Q3, ("torch.tanh(g)", "torch.sigmoid(g)")),
        "one bias only": changed(Q3, (" + bias_hh", "")),
        "no biases": changed(Q3, (" + bias_hh", ""), (" + bias_ih", "")),
        "forgets nothing": changed(Q3, ("torch.sigmoid(f) * c", "c")),
        "a forget gate of 1 - i": changed(Q3, ("torch.sigmoid(f) * c", "(1 - torch.sigmoid(i)) * c")),
        "shown from the old cell": changed(Q3, ("    c = torch", "    new = torch"), ("(c), c", "(c), new")),
        "transposed": changed(Q3, ("weight_hh.T", "weight_hh.reshape(h.shape[1], -1)")),
        "units in the place of gates": changed(
            Q3, ("four.chunk(4, dim=1)", "four.reshape(len(x), -1, 4).unbind(dim=2)")
        ),
        "chunks of the batch": changed(Q3, ("dim=1", "dim=0")),
        "tanh by exponentials": changed(
            Q3,
            (
                "    four =",
                "    def tanh(a):\n        return (a.exp() - (-a).exp()) / (a.exp() + (-a).exp())\n\n    four =",
            ),
            ("torch.tanh", "tanh"),
        ),
        "sigmoid by the other exponential": changed(
            Q3,
            ("    four =", "    def sigmoid(a):\n        return a.exp() / (1 + a.exp())\n\n    four ="),
            ("torch.sigmoid", "sigmoid"),
        ),
        "hard gates": changed(Q3, ("torch.sigmoid(f)", "(f > 0).double()")),
        "the state as memory": changed(Q3, ("torch.sigmoid(f) * c", "torch.sigmoid(f) * h")),
        "only h": changed(Q3, ("torch.tanh(c), c", "torch.tanh(c)")),
        "chunks of as many as there are inputs": changed(
            Q3, ("four.chunk(4, dim=1)", "four.split(x.shape[1], dim=1)[:4]")
        ),
    },
    "q4": {
        "half, as in the book": changed(Q4, ('mine["share"] ** (1 / mine["steps"])', '0.5 ** (1 / mine["steps"])')),
        "the popular one": changed(Q4, ("math.log(gate / (1 - gate))", "1.0")),
        "in both vectors": changed(Q4, ("biases[0,", "biases[:,")),
        "in every gate": changed(Q4, ('biases[0, mine["units"] : 2 * mine["units"]]', "biases[0]")),
        "in the input gates": changed(Q4, ('mine["units"] : 2 * mine["units"]', ': mine["units"]')),
        "in the offers": changed(Q4, ('mine["units"] : 2 * mine["units"]', '2 * mine["units"] : 3 * mine["units"]')),
        "one unit only": changed(Q4, ('mine["units"] : 2 * mine["units"]', 'mine["units"]')),
        "the gate, not its bias": changed(Q4, ("math.log(gate / (1 - gate))", "gate")),
        "minus": changed(Q4, ("gate / (1 - gate)", "(1 - gate) / gate")),
        "the share in one step": changed(Q4, ('mine["share"] ** (1 / mine["steps"])', 'mine["share"]')),
        "the share lost": changed(Q4, ('mine["share"] ** ', '(1 - mine["share"]) ** ')),
        "base ten": changed(Q4, ("math.log(", "math.log10(")),
        "a step too many squares": changed(Q4, ("(1 / mine", "(2 / mine")),
        "someone else's numbers": Q4.replace('mine["share"]', '(mine["share"] ** 2)'),
        "one vector": Q4 + "biases = biases[0]\n",
        "other gates shut": Q4 + 'biases[0, : mine["units"]] = -10\n',
        "a NaN": Q4 + "biases[1] = math.nan\n",
        "infinity": changed(Q4, ("math.log(gate / (1 - gate))", "math.inf")),
    },
    "q5": {
        "the chapter's": 'settings = {"rate": 0.3, "max_norm": 1.0}\n',
        "only the rate divided": 'settings = {"rate": 0.3 / loss_scale, "max_norm": 1.0}\n',
        "only the threshold multiplied": 'settings = {"rate": 0.3, "max_norm": loss_scale}\n',
        "the other way round": 'settings = {"rate": 0.3 * loss_scale, "max_norm": 1.0 / loss_scale}\n',
        "no clipping": 'settings = {"rate": 0.3 / loss_scale, "max_norm": 1e8}\n',
        "a small stride": 'settings = {"rate": 0.03, "max_norm": 1.0}\n',
        "hardly a step": 'settings = {"rate": 1e-6, "max_norm": loss_scale}\n',
        "free at a tenth of the rate": 'settings = {"rate": 0.03 / loss_scale, "max_norm": 100 * loss_scale}\n',
        "ten times too fast": 'settings = {"rate": 3 / loss_scale, "max_norm": loss_scale}\n',
        "for a loss ten times as large": ('settings = {"rate": 0.03 / loss_scale, "max_norm": 10 * loss_scale}\n'),
        "for a loss a tenth as large": 'settings = {"rate": 3 / loss_scale, "max_norm": 0.1 * loss_scale}\n',
        "negative": 'settings = {"rate": -0.3 / loss_scale, "max_norm": loss_scale}\n',
        "text": 'settings = {"rate": "0.3", "max_norm": "1"}\n',
        "a pair": "settings = (0.3 / loss_scale, loss_scale)\n",
        "other names": 'settings = {"lr": 0.3 / loss_scale, "clip": loss_scale}\n',
        "infinite": 'settings = {"rate": 0.3 / loss_scale, "max_norm": math.inf}\n',
    },
}

CAUGHT_BY = {
    "q1": {
        "the new state in the place of the old": "agrees with autograd in w",
        "the next input": "agrees with autograd in u",
        "powers, fails at w = 0": "takes a single step, and weights of zero",
        "fails at a single step": "takes a single step, and weights of zero",
    },
    "q2": {
        "PyTorch's own": "does not lose a large but finite gradient",
        "squares in float32": "does not lose a large but finite gradient",
        "each by itself": "shortens all gradients by one factor",
        "by value": "shortens all gradients by one factor",
        "the norm after clipping": "returns the norm before clipping",
        "always rescaled": "leaves alone what is below the threshold",
        "a small guard": "shortens all gradients by one factor",
        "only what is well above": "shortens all gradients by one factor",
        "shortened too early": "leaves alone what is below the threshold",
        "fails without any gradient": "passes over a parameter without a gradient, and over zeros",
        "None not passed over": "passes over a parameter without a gradient, and over zeros",
        "infinity not looked for": "changes nothing if the norm is not finite",
        "raises at infinity": "changes nothing if the norm is not finite",
    },
    "q3": {
        "i and f exchanged": "computes the new cell",
        "no tanh on the way out": "computes the new state",
        "tanh by exponentials": "stands gates that are wide open or shut",
        "sigmoid by the other exponential": "stands gates that are wide open or shut",
        "chunks of as many as there are inputs": "takes any sizes",
    },
    "q4": {
        "in both vectors": "keeps your share for your time",
        "other gates shut": "leaves the other gates at their middle",
    },
    "q5": {
        "only the rate divided": "lets three networks learn the order",
        "a small stride": "clips some steps and not all",
        "no clipping": "clips some steps and not all",
    },
}
