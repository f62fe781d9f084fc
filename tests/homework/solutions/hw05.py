"""Right answers to homework 5: the reference, and others written differently."""

from solutions.variants import changed, text

REFERENCE = {
    "q1": text("""
        def relative_updates(before, after):
            ratios = {}
            for name, old in before.items():
                old, new = old.double(), after[name].double()
                length = old.norm()
                if length != 0:
                    ratios[name] = ((new - old).norm() / length).item()
            return ratios
    """),
    "q2": text("""
        def born(record):
            culprit = None
            for name, result in reversed(record):
                if torch.isfinite(result).all():
                    break
                culprit = name
            return culprit
    """),
    "q3": text("""
        def delivered(loss, grad, rate):
            promised = rate[:-1] * grad[:-1] ** 2
            fallen = loss[:-1] - loss[1:]
            promised = np.where(promised == 0, np.nan, promised)
            return fallen / promised
    """),
    "q4": text("""
        def scaled(step):
            scale = mine["scale"] * 2 ** (step // mine["interval"])
            return mine["gradient"] * mine["growth"] ** step * scale


        overflow_step = 0
        while scaled(overflow_step) <= 65504:
            overflow_step += 1
    """),
    "q5": text("""
        def detect(history):
            ratio = history["update"] / history["weight"]
            grown = history["weight"] / history["weight"][0]
            return ratio.max() > 0.3 or grown.max() > 3
    """),
}

ONE_SIGN = text("""
    def detect(history):
        return (history["update"] / history["weight"]).max() > 0.3
""")

RIGHT = {
    "q1": {
        "comprehension": text("""
            def relative_updates(before, after):
                return {
                    name: float((after[name].double() - old.double()).norm() / old.double().norm())
                    for name, old in before.items()
                    if old.numel() and old.abs().max() != 0
                }
        """),
        "in NumPy": text("""
            def relative_updates(before, after):
                found = {}
                for name in before:
                    old = before[name].detach().to(torch.float64).numpy()
                    step = after[name].detach().to(torch.float64).numpy() - old
                    if not np.any(old):
                        continue
                    found[name] = np.linalg.norm(step.ravel()) / np.linalg.norm(old.ravel())
                return found
        """),
        "scaled by the largest entry": text("""
            def relative_updates(before, after):
                found = {}
                for name, old in before.items():
                    if old.numel() == 0 or (old == 0).all():
                        continue
                    if not (old.isfinite().all() and after[name].isfinite().all()):
                        found[name] = float("nan")
                        continue
                    size = old.abs().max()
                    old, new = (old / size).float(), (after[name] / size).float()
                    found[name] = (new - old).norm() / old.norm()
                return found
        """),
        "by loops over entries": text("""
            def relative_updates(before, after):
                result = dict()
                for name, old in before.items():
                    a, b = old.flatten().tolist(), after[name].flatten().tolist()
                    length = sum(x * x for x in a) ** 0.5
                    moved = sum((y - x) * (y - x) for x, y in zip(a, b)) ** 0.5
                    if length == 0:
                        continue
                    result[name] = moved / length
                return result
        """),
        "with items of both": text("""
            def relative_updates(before, after):
                kept = [n for n, w in before.items() if not bool((w == 0).all())]
                before = {n: before[n].double() for n in kept}
                after = {n: after[n].double() for n in kept}
                out = {}
                for n in kept:
                    difference = torch.linalg.vector_norm(after[n] - before[n])
                    out[n] = difference.div(torch.linalg.vector_norm(before[n]))
                return out
        """),
        "square roots of sums": text("""
            def relative_updates(before, after):
                out = {}
                for n in before:
                    w0 = before[n].to(torch.float64)
                    w1 = after[n].to(torch.float64)
                    below = (w0**2).sum()
                    if below == 0:
                        continue
                    out[n] = torch.sqrt(((w1 - w0) ** 2).sum() / below).item()
                return out
        """),
    },
    "q2": {
        "forwards": text("""
            def born(record):
                suspect = None
                for name, result in record:
                    if result.isfinite().all():
                        suspect = None
                    elif suspect is None:
                        suspect = name
                return suspect
        """),
        "by index": text("""
            def born(record):
                sane = [bool(torch.isfinite(result).all()) for _, result in record]
                if sane[-1]:
                    return None
                at = len(record) - 1
                while at > 0 and not sane[at - 1]:
                    at -= 1
                return record[at][0]
        """),
        "recursive": text("""
            def born(record):
                if not record:
                    return None
                *rest, (name, result) = record
                if torch.isfinite(result).all():
                    return None
                return born(rest) or name
        """),
        "in NumPy": text("""
            def born(record):
                ill = [not np.isfinite(r.double().numpy()).all() for _, r in record]
                if not ill[-1]:
                    return None
                ok = [k for k, bad in enumerate(ill) if not bad]
                return record[ok[-1] + 1 if ok else 0][0]
        """),
        "by nan and inf": text("""
            def born(record):
                def ill(t):
                    return bool((torch.isnan(t) | torch.isinf(t)).any())

                answer = None
                for name, t in record[::-1]:
                    if not ill(t):
                        return answer
                    answer = name
                return answer
        """),
        "entry by entry": text("""
            def born(record):
                last_sane = -1
                for at, (_, result) in enumerate(record):
                    if all(math.isfinite(entry) for entry in result.flatten().tolist()):
                        last_sane = at
                return record[last_sane + 1][0] if last_sane + 1 < len(record) else None
        """),
    },
    "q3": {
        "a loop": text("""
            def delivered(loss, grad, rate):
                shares = []
                for t in range(len(loss) - 1):
                    promised = rate[t] * grad[t] ** 2
                    shares.append((loss[t] - loss[t + 1]) / promised if promised > 0 else math.nan)
                return shares
        """),
        "a tensor": text("""
            def delivered(loss, grad, rate):
                loss, grad, rate = map(torch.as_tensor, (loss, grad, rate))
                step = rate[:-1] * grad[:-1]
                promised = (step * grad[:-1]).masked_fill(step * grad[:-1] == 0, torch.nan)
                return -torch.diff(loss) / promised
        """),
        "errors off": text("""
            def delivered(loss, grad, rate):
                fallen = -np.diff(loss)
                with np.errstate(all="ignore"):
                    share = fallen / (rate * grad * grad)[:-1]
                return np.where(np.isfinite(share), share, np.nan)
        """),
        "filled in": text("""
            def delivered(loss, grad, rate):
                promised = (rate * grad**2)[: len(loss) - 1]
                share = np.full(len(loss) - 1, np.nan)
                there = promised != 0
                share[there] = (loss[:-1] - loss[1:])[there] / promised[there]
                return share
        """),
        "from the length of the step": text("""
            def delivered(loss, grad, rate):
                step = rate * grad
                result = []
                for now, later, slope, length in zip(loss[:-1], loss[1:], grad, step):
                    result.append(np.nan if length == 0 else (now - later) / slope / length)
                return np.array(result)
        """),
    },
    "q4": {
        "by the logarithm": text("""
            overflow_step = 0
            for step in range(10_000):
                octaves = math.log2(mine["gradient"]) + step * math.log2(mine["growth"])
                octaves += math.log2(mine["scale"]) + step // mine["interval"]
                if octaves > math.log2(65504):
                    overflow_step = step
                    break
        """),
        "in float16": text("""
            gradient, scale, overflow_step = mine["gradient"], mine["scale"], 0
            while torch.tensor(gradient * scale).half().isfinite():
                overflow_step += 1
                gradient *= mine["growth"]
                if overflow_step % mine["interval"] == 0:
                    scale *= 2
        """),
        "in an array": text("""
            steps = np.arange(2000)
            scales = mine["scale"] * 2.0 ** (steps // mine["interval"])
            entries = mine["gradient"] * mine["growth"] ** steps * scales
            overflow_step = int(np.argmax(entries > np.finfo(np.float16).max))
        """),
        "as a tensor": text("""
            steps = torch.arange(1000, dtype=torch.float64)
            entries = mine["gradient"] * mine["growth"] ** steps
            entries *= mine["scale"] * 2 ** torch.floor(steps / mine["interval"])
            overflow_step = (entries > torch.finfo(torch.float16).max).nonzero()[0]
        """),
        "as a float": REFERENCE["q4"] + "overflow_step = float(overflow_step)\n",
        "next": text("""
            overflow_step = next(
                t
                for t in range(5000)
                if mine["gradient"] * mine["growth"] ** t * mine["scale"] * 2 ** (t // mine["interval"]) > 65504
            )
        """),
    },
    "q5": {
        "one sign": ONE_SIGN,
        "a lower threshold": changed(ONE_SIGN, ("0.3", "0.15")),
        "a slightly lower threshold": changed(ONE_SIGN, ("0.3", "0.25")),
        "a Python bool from a loop": text("""
            def detect(history):
                for update, weight in zip(history["update"], history["weight"]):
                    if update > 0.3 * weight:
                        return True
                return False
        """),
        "as a tensor": text("""
            def detect(history):
                update, weight = (torch.as_tensor(history[k]) for k in ("update", "weight"))
                return (update / weight > 0.3).any()
        """),
        "beside the first weights": text("""
            def detect(history):
                return bool(history["update"].max() / history["weight"][0] > 0.3)
        """),
        "twice, or once and very large": text("""
            def detect(history):
                ratio = history["update"] / np.maximum(history["weight"], 1e-12)
                return np.sum(ratio > 0.15) >= 2 or ratio.max() > 0.3
        """),
    },
}
