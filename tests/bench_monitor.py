"""What watching a run costs: training with a monitor against training without, turn by turn; part of `make bench`.

Each way of watching trains a copy of its own, from the first step on; the copies take turns of a few steps, in another
order in every round, so that whatever else the machine does meets all of them alike. Compared is the processor time of
one thread. "plain again" is a second copy without a monitor: it tells how exact the numbers are. wandb and Lightning
are measured beside it where they are installed; the project does not need them. Exits with status 1 if the monitor, at
its defaults, costs more than `LIMIT` on any of the models.
"""

import argparse
import contextlib
import importlib.util
import itertools
import os
import statistics
import sys
import tempfile
import time
from types import MappingProxyType

import numpy as np
import torch
from torch import nn

from gradlab.monitor import GradMonitor

LIMIT = 1.03  # times the processor time of plain training
TURN = 5  # steps
TURNS = {"MLP 20 x 256, batch 64": 80, "transformer": 30, "CNN": 30, "LSTM": 40}
RESAMPLES = 1000  # bootstrap


class Transformer(nn.Module):
    """Two blocks of width 128 over 32 tokens."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(512, 128), nn.Parameter(0.02 * torch.randn(32, 128))
        block = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, 4, enable_nested_tensor=False)
        self.head = nn.Linear(128, 512)

    def forward(self, tokens):
        """Map tokens (batch, 32) to scores (batch, 512) for the one that comes next."""
        return self.head(self.blocks(self.words(tokens) + self.places))[:, -1]


class Recurrent(nn.Module):
    """An LSTM of 200 units that reads 100 numbers, eight at a time."""

    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, 200, batch_first=True), nn.Linear(200, 10)

    def forward(self, x):
        """Map sequences (batch, 100, 8) to scores (batch, 10)."""
        return self.head(self.lstm(x)[0][:, -1])


def mlp():
    layers = [layer for _ in range(20) for layer in (nn.Linear(256, 256), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(256, 10)), torch.randn(64, 256)


def transformer():
    return Transformer(), torch.randint(512, (16, 32))


def cnn():
    widths = [3, 32, 32, 64, 64, 64]
    layers = [
        layer
        for a, b in itertools.pairwise(widths)
        for layer in (nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())
    ]
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10)]
    return nn.Sequential(*layers, *pooled), torch.randn(16, 3, 24, 24)


def lstm():
    return Recurrent(), torch.randn(16, 100, 8)


MODELS = dict(zip(TURNS, (mlp, transformer, cnn, lstm), strict=True))


class Training:
    """One copy of a model in training, and what it has cost."""

    watcher = None

    def __init__(self, make):
        torch.manual_seed(0)
        self.model, self.x = make()
        self.y = torch.randint(10, (len(self.x),))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)
        self.turns = []
        self.begin()

    def begin(self):
        """Set up what watches; nothing here."""

    def look(self, loss):
        """Watch a step, between backward and step."""

    def end(self):
        """Take down what watches."""

    def rested(self, seconds):
        """Hear for how long others had their turns."""

    def take_turn(self):
        """Train for a few steps."""
        started = time.process_time()
        for _ in range(TURN):
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(self.x), self.y)
            loss.backward()
            self.look(loss)
            self.optimizer.step()
        self.turns.append(time.process_time() - started)


class Monitored(Training):
    """Watched by the monitor at its defaults."""

    settings = MappingProxyType({})

    def begin(self):
        """Start watching."""
        self.monitor = GradMonitor(self.model, self.optimizer, **self.settings)
        self.look = self.monitor.record

    def rested(self, seconds):
        """Stop the monitor's clock meanwhile, so that its budget is a share of this training alone."""
        costs = self.monitor._run.costs
        if costs._started is not None:
            costs._started += seconds

    def end(self):
        """Stop watching."""
        self.monitor.close()


class EveryStep(Monitored):
    """Watched at every step."""

    settings = MappingProxyType({"every": 1})


class Wandb(Training):
    """Watched by ``wandb.watch``: histograms of gradients every so many steps (at its default, 1000, none here)."""

    frequency = 100

    def begin(self):
        """Start a run that stays on this machine, or go along with one; wandb watches only in one."""
        import wandb

        self.wandb = wandb
        if wandb.run is None:
            wandb.init(mode="offline", project="bench", settings={"silent": True})
        wandb.watch(self.model, log_freq=self.frequency)

    def look(self, loss):
        """Log the loss, with which the histograms go."""
        self.wandb.log({"loss": loss.item()})

    def end(self):
        """Finish the run."""
        self.wandb.finish()


class WandbEveryTenth(Wandb):
    """Histograms every ten steps."""

    frequency = 10


class Lightning(Training):
    """Lightning's `grad_norm` at every step, as its documentation shows it, without a logger."""

    def begin(self):
        """Find the function."""
        from pytorch_lightning.utilities import grad_norm

        self.norms, self.grad_norm = [], grad_norm

    def look(self, loss):
        """Compute the norms."""
        self.norms.append({name: float(norm) for name, norm in self.grad_norm(self.model, norm_type=2).items()})


def ways():
    """Return the ways of watching that can be measured here, by name."""
    found = {"plain": Training, "plain again": Training, "GradMonitor": Monitored, "GradMonitor, every=1": EveryStep}
    if importlib.util.find_spec("wandb"):
        found |= {"wandb.watch, log_freq=100": Wandb, "wandb.watch, log_freq=10": WandbEveryTenth}
    if importlib.util.find_spec("pytorch_lightning"):
        found |= {"Lightning grad_norm": Lightning}
    return found


def measure(make, turns):
    """Return the seconds of each way's turns."""
    copies = {name: way(make) for name, way in ways().items()}
    last = dict.fromkeys(copies, time.perf_counter())
    order = np.random.default_rng(0)
    for turn in range(turns):
        for index in order.permutation(len(copies)):
            name, copy = list(copies.items())[index]
            if turn:
                copy.rested(time.perf_counter() - last[name])
            copy.take_turn()
            last[name] = time.perf_counter()
    for copy in copies.values():
        copy.end()
    return {name: np.array(copy.turns) for name, copy in copies.items()}


def ratio(seconds, plain):
    """Return the ratio of total times and its 95 % interval, without the tenth of rounds that were disturbed most."""
    calm = np.argsort(seconds + plain)[: int(0.9 * len(plain))]
    rows = np.random.default_rng(0).choice(calm, (RESAMPLES, len(calm)))
    low, high = np.quantile(seconds[rows].sum(1) / plain[rows].sum(1), [0.025, 0.975])
    return seconds[calm].sum() / plain[calm].sum(), low, high


def main():
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="length of the measurement, times the usual")
    scale = parser.parse_args().scale
    torch.set_num_threads(1)
    defaults = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["WANDB_DIR"] = folder
        for model, make in MODELS.items():
            seconds = measure(make, round(TURNS[model] * scale))
            plain = seconds.pop("plain")
            step = 1e3 * np.median(plain) / TURN
            for name, own in seconds.items():
                middle, low, high = ratio(own, plain)
                print(f"{model:<24} {step:5.1f} ms/step   {name:<27} {middle:6.3f} [{low:.3f}, {high:.3f}]", flush=True)
                defaults += [middle] if name == "GradMonitor" else []
    worst = max(defaults)
    print(f"GradMonitor: median {statistics.median(defaults):.3f}, worst {worst:.3f} (limit {LIMIT})")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
