"""Wrong answers to homework 5, and the properties that are meant for them."""

from solutions.hw05 import ONE_SIGN, REFERENCE, RIGHT
from solutions.variants import changed, text

Q1, Q2, Q3, Q4 = (REFERENCE[f"q{k}"] for k in (1, 2, 3, 4))
RATIO = '(history["update"] / history["weight"]).max() > 0.3'


def detector(condition):
    """Return the source of a detector that accuses on one condition."""
    return changed(ONE_SIGN, (RATIO, condition))


WRONG = {
    "q1": {
        "in the weights' own format": changed(Q1, (".double()", "")),
        "in float32": changed(Q1, (".double()", ".float()")),
        "beside the weights after the step": changed(Q1, ("length = old.norm()", "length = new.norm()")),
        "not relative": changed(Q1, (".norm() / length", ".norm()")),
        "difference of the lengths": changed(Q1, ("(new - old).norm()", "(new.norm() - length).abs()")),
        "squares": changed(Q1, ("((new - old).norm() / length)", "((new - old).norm() / length).square()")),
        "mean of the ratios of entries": changed(
            Q1, ("((new - old).norm() / length)", "((new - old) / old).abs().mean()")
        ),
        "largest entries": changed(Q1, ("(new - old).norm()", "(new - old).abs().max()")),
        "a small number below": changed(Q1, ("/ length)", "/ (length + 1e-8))"), ("if length != 0:", "if True:")),
        "zeros kept": changed(Q1, ("if length != 0:", "if True:")),
        "frozen left out": changed(Q1, ("if length != 0:", "if length != 0 and not torch.equal(old, new):")),
        "hides a NaN in the weights": changed(Q1, ("length != 0", "length > 0")),
        "hides every NaN": changed(Q1, ("length != 0", "length != 0 and new.isfinite().all()")),
        "NaN made zero": changed(Q1, ("return ratios", "return {k: 0.0 if v != v else v for k, v in ratios.items()}")),
        "changes what came after": changed(Q1, ("(new - old).norm()", "new.sub_(old).norm()")),
        "changes its arguments": changed(Q1, ("(new - old).norm()", "old.neg_().add_(new).norm()")),
        "a list": changed(Q1, ("return ratios", "return list(ratios.values())")),
        "all together": changed(Q1, ("return ratios", 'return {"all": sum(ratios.values())}')),
        "the larger of the two below": changed(Q1, ("length = old.norm()", "length = max(old.norm(), new.norm())")),
    },
    "q2": {
        "the first that is not finite": text("""
            def born(record):
                for name, result in record:
                    if not torch.isfinite(result).all():
                        return name
        """),
        "the same, if the end is ill": text("""
            def born(record):
                if torch.isfinite(record[-1][1]).all():
                    return None
                for name, result in record:
                    if not torch.isfinite(result).all():
                        return name
        """),
        "by the norm": changed(Q2, ("torch.isfinite(result).all()", "torch.isfinite(result.float().norm())")),
        "by the sum": changed(Q2, ("torch.isfinite(result).all()", "torch.isfinite(result.sum())")),
        "NaN only": changed(Q2, ("torch.isfinite(result).all()", "not torch.isnan(result).any()")),
        "infinity only": changed(Q2, ("torch.isfinite(result).all()", "not torch.isinf(result).any()")),
        "plus infinity and NaN": changed(Q2, ("torch.isfinite(result).all()", "(result < torch.inf).all()")),
        "all entries": changed(Q2, (".all()", ".any()")),
        "a threshold": changed(Q2, ("torch.isfinite(result).all()", "(result.abs() <= 1e30).all()")),
        "by the mean": changed(Q2, ("torch.isfinite(result).all()", "torch.isfinite(result.float().mean())")),
        "by the largest": changed(Q2, ("torch.isfinite(result).all()", "result.max() < torch.inf")),
        "in float32": changed(Q2, ("torch.isfinite(result)", "torch.isfinite(result.float())")),
        "in float16": changed(Q2, ("torch.isfinite(result)", "torch.isfinite(result.half())")),
        "the last that is finite": changed(Q2, ("break\n", "return name if culprit else None\n")),
        "the last": text("""
            def born(record):
                name, result = record[-1]
                return None if torch.isfinite(result).all() else name
        """),
        "where it was": changed(Q2, ("for name, result in reversed", "for name, (_, result) in enumerate")),
        "the data is never blamed": changed(Q2, ("reversed(record)", "reversed(record[1:])")),
        "by bisection": text("""
            def born(record):
                low, high = 0, len(record)
                while low < high:
                    middle = (low + high) // 2
                    if torch.isfinite(record[middle][1]).all():
                        low = middle + 1
                    else:
                        high = middle
                return record[low][0] if low < len(record) else None
        """),
    },
    "q3": {
        "the gradient not squared": changed(Q3, ("grad[:-1] ** 2", "grad[:-1]")),
        "without the rate": changed(Q3, ("rate[:-1] * ", "")),
        "the rate squared": changed(Q3, ("rate[:-1] *", "rate[:-1] ** 2 *")),
        "a rise, not a fall": changed(Q3, ("loss[:-1] - loss[1:]", "loss[1:] - loss[:-1]")),
        "beside the loss": changed(Q3, ("rate[:-1] * grad[:-1] ** 2", "loss[:-1]")),
        "the gradient after the step": changed(Q3, ("grad[:-1]", "grad[1:]")),
        "the rate after the step": changed(Q3, ("rate[:-1]", "rate[1:]")),
        "the first rate for all": changed(Q3, ("rate[:-1]", "rate[0]")),
        "upside down": changed(Q3, ("fallen / promised", "promised / fallen")),
        "half the promise": changed(Q3, ("rate[:-1] *", "0.5 * rate[:-1] *")),
        "zero where nothing was promised": changed(Q3, ("np.nan, promised", "np.inf, promised")),
        "infinite where nothing was promised": changed(
            Q3, ("    promised = np.where(promised == 0, np.nan, promised)\n", "")
        ),
        "a small number below": changed(Q3, ("/ promised\n", "/ (promised + 1e-3)\n")),
        "a tiny number below": changed(Q3, ("/ promised\n", "/ (promised + 1e-12)\n")),
        "steps without a promise left out": changed(
            Q3, ("return fallen / promised", "return (fallen / promised)[~np.isnan(promised)]")
        ),
        "padded at the end": changed(Q3, ("return fallen / promised", "return np.append(fallen / promised, np.nan)")),
        "signs only": changed(Q3, ("return fallen / promised", "return np.sign(fallen / promised)")),
        "clipped at zero": changed(Q3, ("return fallen / promised", "return np.maximum(fallen / promised, 0)")),
        "of the whole run": changed(Q3, ("return fallen / promised", "return np.nansum(fallen) / np.nansum(promised)")),
    },
    "q4": {
        "one step early": Q4 + "overflow_step -= 1\n",
        "one step late": Q4 + "overflow_step += 1\n",
        "the scale never doubles": changed(Q4, (' * 2 ** (step // mine["interval"])', "")),
        "the scale doubles one step late": changed(Q4, ("(step //", "((step - 1) //")),
        "the scale doubles gradually": changed(Q4, ("step //", "step /")),
        "the gradient without a scale": changed(Q4, ("** step * scale", "** step")),
        "the true gradient does not grow": changed(Q4, (' * mine["growth"] ** step', "")),
        "float32": changed(Q4, ("65504", "3.4e38")),
        "bfloat16 or so": changed(Q4, ("65504", "2.0 ** 127")),
        "the scale overflows": changed(Q4, ("scaled(overflow_step) <=", "scaled(overflow_step) / mine['gradient'] <=")),
        "its square overflows": changed(Q4, ("scaled(overflow_step) <=", "scaled(overflow_step) ** 2 <=")),
        "grows by addition": changed(Q4, ('mine["growth"] ** step', '(1 + (mine["growth"] - 1) * step)')),
        "the scale is added": changed(Q4, ("** step * scale", "** step + scale")),
        "text": Q4 + "overflow_step = str(overflow_step)\n",
        "halfway": Q4 + "overflow_step += 0.5\n",
        "one": "overflow_step = 1\n",
        "infinite": "overflow_step = math.inf\n",
        "none": "overflow_step = None\n",
    },
    "q5": {
        "always": detector("True"),
        "never": detector("False"),
        "not finite": detector("not all(np.isfinite(log).all() for log in history.values())"),
        "gradient above 1": detector('history["grad"].max() > 1'),
        "gradient above 1 all the time": detector('history["grad"].min() > 1'),
        "gradient above 100": detector('history["grad"].max() > 100'),
        "loss above 10": detector('history["loss"].max() > 10'),
        "loss rises": detector('history["loss"][-1] > history["loss"][0]'),
        "loss rises tenfold": detector('history["loss"].max() > 10 * history["loss"][0]'),
        "loss fluctuates": detector('history["loss"].std() > 0.5 * history["loss"].mean()'),
        "gradient spikes": detector('history["grad"].max() > 10 * np.median(history["grad"])'),
        "gradient grows": detector('history["grad"].max() > 10 * history["grad"][0]'),
        "update above 1": detector('history["update"].max() > 1'),
        "weights above 10": detector('history["weight"].max() > 10'),
        "update beside the loss": detector('(history["update"] / history["loss"]).max() > 1'),
        "update beside the gradient": detector('(history["update"] / history["grad"]).max() > 0.1'),
        "a ratio far too low": changed(ONE_SIGN, ("0.3", "0.003")),
        "a ratio of 1": changed(ONE_SIGN, ("0.3", "1")),
        "a ratio far too high": changed(ONE_SIGN, ("0.3", "100")),
        "the last ratio only": detector('history["update"][-1] > 5 * history["weight"][-1]'),
        "upside down": changed(ONE_SIGN, (".max() > 0.3", ".max() < 0.3")),
        "mean ratio": changed(ONE_SIGN, (".max() > 0.3", ".min() > 0.3")),
        "short runs": detector('len(history["loss"]) < 20'),
        "a score, not a verdict": changed(ONE_SIGN, (" > 0.3", "")),
        "one verdict per step": changed(ONE_SIGN, (".max() > 0.3", " > 0.3")),
        "good, and ruined by the loss": detector(f'{RATIO} or history["loss"].max() > 100'),
        "good, but needs ten steps": detector(f'len(history["loss"]) >= 10 and {RATIO}'),
        "takes the tenth step": changed(RIGHT["q5"]["beside the first weights"], ('["weight"][0]', '["weight"][9]')),
    },
}
