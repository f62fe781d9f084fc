"""Streams repeat, differ by each of their arguments, and do not meet the generator that a reader would make."""

import itertools

import torch

from gradlab.randomness import stream

KEYS = list(itertools.product(["weights", "order"], [0, 1, 1000, 2**64], [0, 1, 19]))


def draws(generator):
    return tuple(torch.randn(20, generator=generator, dtype=torch.float64).tolist())


def test_streams_repeat_and_differ_from_each_other_and_from_plain_seeds():
    first = [draws(stream(*key)) for key in KEYS]
    assert first == [draws(stream(*key)) for key in KEYS]
    plain = [draws(torch.Generator().manual_seed(seed)) for seed in range(50)]
    assert len({*first, *plain}) == len(KEYS) + len(plain)
    assert len({number for numbers in first for number in numbers}) == 20 * len(KEYS)


def test_member_is_0_unless_told():
    assert draws(stream("weights", 5)) == draws(stream("weights", 5, 0))


def test_global_generator_is_left_alone():
    before = torch.get_rng_state()
    stream("weights", 0)
    assert torch.equal(torch.get_rng_state(), before)
