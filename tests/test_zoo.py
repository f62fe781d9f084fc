"""Every run of the zoo earns its label: by how it ends over several seeds, whatever a monitor says of it."""

import math
from statistics import median
from typing import NamedTuple

import pytest
import torch

from gradlab import zoo
from recorded_zoo import shares_runs, trained

SEEDS = range(3)
LAST = 10  # losses whose median is the end of a run: single batches are noisy
FAR = 10.0  # times a run's start and its twin's end: what counts as far above
LEARNT = 0.75  # of the start: what counts as clearly below; kinds were chosen to be well below on more seeds than these
EXPLODING, HEALTHY, OTHER = (
    [kind for kind in zoo.KINDS if kind.label == label] for label in ("exploding", "healthy", "other")
)
TWIN_NAMES = {kind.twin for kind in EXPLODING}
SETTLED = {"already-converged"}  # healthy, but with nothing left to learn


def named(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


class Outcome(NamedTuple):
    """What became of a run; start and end are of its score, where it has one."""

    losses: list
    finite: bool
    start: float
    end: float


def outcome(kind, seed):
    run = trained(kind.name, seed)
    finite = run.finite and all(map(math.isfinite, run.losses[-LAST:]))
    start, end = run.scores or (abs(run.losses[0]), median(map(abs, run.losses[-LAST:])))
    return Outcome(run.losses, finite, start, end)


def test_there_are_enough_kinds_of_every_label():
    assert len(EXPLODING) >= 24
    assert len(HEALTHY) - len(TWIN_NAMES) >= 20
    assert len(OTHER) >= 6


def test_names_and_faults_are_different_and_in_one_line():
    assert len({kind.name for kind in zoo.KINDS}) == len(zoo.KINDS)
    assert len({kind.fault for kind in zoo.KINDS}) == len(zoo.KINDS)
    assert all(kind.fault.strip() and "\n" not in kind.fault for kind in zoo.KINDS)


@shares_runs
@named(EXPLODING)
@pytest.mark.parametrize("seed", SEEDS)
def test_exploding_run_ends_not_finite_or_far_above_its_start_and_its_twin(kind, seed):
    run, twin = outcome(kind, seed), outcome(zoo.kind(kind.twin), seed)
    size = median(abs(loss) for loss in run.losses[-LAST:])
    twin_size = median(abs(loss) for loss in twin.losses[-LAST:])
    assert not run.finite or size > FAR * max(abs(run.losses[0]), twin_size)


@shares_runs
@named([kind for kind in HEALTHY if kind.name not in SETTLED])
@pytest.mark.parametrize("seed", SEEDS)
def test_healthy_run_learns(kind, seed):
    run = outcome(kind, seed)
    assert run.finite
    assert run.end < LEARNT * run.start


@shares_runs
@named([kind for kind in HEALTHY if kind.name in SETTLED])
@pytest.mark.parametrize("seed", SEEDS)
def test_settled_run_stays_where_it_is(kind, seed):
    run = outcome(kind, seed)
    assert run.finite
    assert run.end == pytest.approx(run.start, rel=0.1)


@shares_runs
@named(OTHER)
@pytest.mark.parametrize("seed", SEEDS)
def test_other_failure_neither_learns_nor_explodes(kind, seed):
    run = outcome(kind, seed)
    assert run.finite
    assert 0.85 * run.start < run.end < 1.2 * run.start
    assert max(run.losses) < 1.5 * run.start


@named(EXPLODING)
def test_twin_differs_in_one_setting(kind):
    twin = zoo.kind(kind.twin)
    assert (twin.label, twin.twin, twin.build) == ("healthy", None, kind.build)
    assert twin.settings.keys() == kind.settings.keys()
    different = [name for name, value in kind.settings.items() if twin.settings[name] is not value]
    assert len(different) == 1


@shares_runs
@pytest.mark.parametrize(
    ("name", "step"), [("outlier-batch", 50), ("schedule-jumps", 60), ("clipping-too-loose", 50), ("label-is-nan", 20)]
)
def test_run_equals_its_twin_until_the_fault_strikes(name, step):
    run, twin = (outcome(kind, 0).losses for kind in (zoo.kind(name), zoo.kind(zoo.kind(name).twin)))
    if name == "clipping-too-loose":  # ordinary gradients may be clipped, too
        assert run[0] == twin[0]
    else:
        assert run[:step] == twin[:step]
    assert run[step + 1] != twin[step + 1]


def test_every_third_kind_of_a_label_is_held_out_and_each_twin_with_its_fault():
    for kinds in (EXPLODING, [kind for kind in HEALTHY if kind.name not in TWIN_NAMES], OTHER):
        names = sorted(kind.name for kind in kinds)
        assert sorted(kind.name for kind in kinds if kind.held_out) == names[2::3]
    assert all(zoo.kind(kind.twin).held_out == kind.held_out for kind in EXPLODING)


@named(zoo.KINDS)
def test_run_depends_on_its_seed_alone_and_leaves_the_global_generator_alone(kind):
    losses = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        state = torch.get_rng_state()
        run = kind.prepare(3)
        losses.append([loss.item() for loss, _ in zip(run, range(4), strict=False)])
        assert torch.equal(torch.get_rng_state(), state)
    assert repr(losses[0]) == repr(losses[1])  # NaN equals NaN in print


@pytest.mark.parametrize("name", ["rate-too-high", "sequence-too-long", "heavy-dropout", "noisy-rewards", "dead-units"])
def test_seeds_give_different_runs(name):
    first, second = (next(iter(zoo.kind(name).prepare(seed))).item() for seed in (0, 1))
    assert first != second


def path(kind, unit, steps=6):
    """Return the parameters after each step, as long as they are finite."""
    run, points = kind.prepare(0, unit=unit), []
    for step, _ in enumerate(run):
        points.append(torch.cat([parameter.detach().flatten().clone() for parameter in run.model.parameters()]))
        if step == steps or not points[-1].isfinite().all():
            break
    return torch.stack(points)


def finite_part(*paths):
    """Cut paths where the first stops being finite; loss times unit may leave the format one step earlier."""
    steps = min(int(points.isfinite().all(dim=1).sum()) for points in paths)
    return [points[: max(1, steps - 1)] for points in paths]


@named(zoo.KINDS)
@pytest.mark.parametrize("unit", [2.0**-7, 2.0**7])
def test_unit_that_is_a_power_of_two_changes_no_bit_of_the_training(kind, unit):
    plain, scaled = finite_part(path(kind, 1.0), path(kind, unit))
    if kind.prepare(0).max_norm is None:
        assert torch.equal(plain, scaled)
    else:  # clip_grad_norm_ adds 1e-6 to the norm, whatever its unit
        torch.testing.assert_close(plain, scaled, rtol=1e-4, atol=1e-4)


@named([kind for kind in HEALTHY if isinstance(kind.prepare(0).optimizer, torch.optim.SGD)])
@pytest.mark.parametrize("unit", [0.01, 100.0])
def test_unit_leaves_the_training_of_sgd_the_same(kind, unit):
    plain, scaled = finite_part(path(kind, 1.0), path(kind, unit))
    size = plain.abs().max()  # weights of one run may differ by powers of ten; rounding grows with the largest
    torch.testing.assert_close(plain / size, scaled / size, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["rate-too-high-mended", "adam-rate-of-one-mended", "accumulation-undivided-mended"])
@pytest.mark.parametrize("unit", [0.01, 100.0])
def test_loss_is_yielded_in_its_unit(name, unit):
    plain, scaled = (next(iter(zoo.kind(name).prepare(0, unit=one))).item() for one in (1.0, unit))
    assert scaled == pytest.approx(unit * plain, rel=1e-5)


@pytest.mark.parametrize("divide", [True, False])
def test_loop_agrees_with_plain_torch_on_accumulated_gradients(divide):
    def prepared():
        return zoo.kind("accumulation-undivided-mended" if divide else "accumulation-undivided").prepare(1)

    run, plain = prepared(), prepared()
    iterator = iter(run)
    next(iterator)
    total = sum(plain.loss(part) for part in range(8)) / (8 if divide else 1)
    total.backward()
    for one, other in zip(run.model.parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_loss_comes_before_clipping_and_the_step_after_it():
    run = zoo.kind("always-clipped").prepare(0)
    iterator = iter(run)
    next(iterator)
    before = torch.cat([parameter.detach().flatten().clone() for parameter in run.model.parameters()])
    norm = torch.cat([parameter.grad.flatten() for parameter in run.model.parameters()]).norm()
    assert norm > 10 * run.max_norm
    next(iterator)
    after = torch.cat([parameter.detach().flatten() for parameter in run.model.parameters()])
    rate = run.optimizer.param_groups[0]["lr"]
    assert (after - before).norm().item() == pytest.approx(rate * run.max_norm, rel=1e-3)


def test_gradients_of_a_scaled_loss_are_yielded_unscaled():
    run = zoo.kind("float16-output-overflows-mended").prepare(0)
    plain = zoo.kind("float16-output-overflows-mended").prepare(0)
    next(iter(run))
    plain.loss(0).backward()
    for one, other in zip(run.model.parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0.05, atol=1e-6)  # bfloat16 keeps 8 bits


def test_first_steps_of_too_high_a_scale_are_skipped_and_the_others_taken():
    run = zoo.kind("scale-starts-too-high").prepare(0)
    scales = [run.scaler.get_scale() for _ in run]
    assert scales[1] < scales[0]
    assert scales[-1] >= min(scales)


def test_scaler_of_persistent_overflow_ends_at_the_bottom():
    run = zoo.kind("float16-output-overflows").prepare(0)
    scales = [run.scaler.get_scale() for _ in run]
    assert scales[0] == 2.0**10
    assert scales[-1] < 1.0


@pytest.mark.parametrize("name", ["no-such-kind", "", None, ["outlier-batch"]])
def test_unknown_name_is_refused_with_all_that_are_known(name):
    with pytest.raises(ValueError, match="name must be one of") as error:
        zoo.kind(name)
    assert repr(name) in str(error.value)
    assert all(repr(kind.name) in str(error.value) for kind in zoo.KINDS)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"seed": "0"}, "seed"),
        ({"seed": 0, "unit": 0.0}, "unit"),
        ({"seed": 0, "unit": -1.0}, "unit"),
        ({"seed": 0, "unit": float("nan")}, "unit"),
        ({"seed": 0, "unit": "1"}, "unit"),
    ],
)
def test_wrong_seed_or_unit_is_refused(arguments, name):
    with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
        zoo.KINDS[0].prepare(**arguments)
