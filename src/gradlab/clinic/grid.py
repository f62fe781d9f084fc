"""Every remedy on every patient: what is measured of a treated run, what it is called, and the recorded results.

``python -m gradlab.clinic`` measures all of it anew (a quarter of an hour) and writes the two files read here.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gradlab.arguments import one_of
from gradlab.clinic.case import Case
from gradlab.clinic.patients import CONTROL, PATIENTS, Patient, patient
from gradlab.clinic.remedies import REMEDIES, treated
from gradlab.clinic.runs import train
from gradlab.training import History

SEEDS = 20
ENOUGH = 18
"""So many healthy runs of `SEEDS` are a cure."""
STEP = 0.2
"""By so much the mean health must change to be called better or worse."""
POINTS = 32
"""So many numbers of each loss curve are kept."""
AS_IS = "untreated"
VERDICTS = ("cured", "helped", "no effect", "harmed")
FILE = Path(__file__).with_name("grid.json")
CURVES = Path(__file__).with_name("curves.npz")


@dataclass(frozen=True)
class Cell:
    """What became of the seeds of one treated patient.

    Parameters
    ----------
    alive : int
        How many ended finite.
    healthy : int
        How many reached the patient's healthy score.
    health : float
        Mean over all: 0 at chance, below it, or dead; 1 at the healthy score or above.
    spread : float
        Standard deviation of the health over the seeds.
    first : float
        Median norm of the very first gradient, infinite if it is not finite.
    """

    alive: int
    healthy: int
    health: float
    spread: float
    first: float


def measure(patient: Patient, case: Case, *, first: int = 0) -> tuple[Cell, History]:
    """Train twenty seeds of a case, and say how they are.

    Parameters
    ----------
    patient : Patient
        Whose chance and healthy score count.
    case : Case
        As it arrives, mended or treated.
    first : int
        Seed of the first network, at least 0.

    Returns
    -------
    Cell, History
        What is kept in the grid, and the runs themselves.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If `first` is negative.
    """
    if not isinstance(patient, Patient):
        raise TypeError(f"patient must be a gradlab.clinic.Patient, got {patient!r}")
    history = train(case, first=first, seeds=SEEDS)
    scores = np.where(history.died, -math.inf, history.scores)
    health = np.clip((scores - patient.chance) / (patient.healthy - patient.chance), 0, 1)
    norm = float(np.median(np.nan_to_num(history.norms[:, 0], nan=math.inf)))
    alive, healthy = int((~history.died).sum()), int((scores >= patient.healthy).sum())
    return Cell(alive, healthy, float(health.mean()), float(health.std()), norm), history


def verdict(cell: Cell, untreated: Cell) -> str:
    """Return what a remedy did, in one of `VERDICTS`.

    ``cured``: at least 18 of 20 runs end healthy. Otherwise ``helped`` or ``harmed``: the mean health changes by at
    least 0.2; or ``no effect``. Where the untreated are healthy, whatever leaves at least 18 so has no effect, and
    everything else harms.

    Parameters
    ----------
    cell, untreated : Cell
        With the remedy, and without.

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If an argument is not a `Cell`.
    """
    for name, value in (("cell", cell), ("untreated", untreated)):
        if not isinstance(value, Cell):
            raise TypeError(f"{name} must be a gradlab.clinic.Cell, got {value!r}")
    well = cell.healthy >= ENOUGH
    if untreated.healthy >= ENOUGH:
        return "no effect" if well else "harmed"
    if well:
        return "cured"
    change = cell.health - untreated.health
    return "helped" if change >= STEP else "harmed" if change <= -STEP else "no effect"


def is_close(cell: Cell, untreated: Cell) -> bool:
    """Whether another processor or another twenty seeds might well be given another verdict.

    Parameters
    ----------
    cell, untreated : Cell
        With the remedy, and without.

    Returns
    -------
    bool
        True if three runs more or fewer that end healthy, or a mean health that differs by three standard errors,
        would change the verdict.

    Raises
    ------
    TypeError
        If an argument is not a `Cell`.
    """
    found, error = verdict(cell, untreated), 3 * cell.spread / math.sqrt(SEEDS)
    counts = (cell.healthy - 3, cell.healthy + 3) if 0 < cell.healthy < SEEDS else (cell.healthy,)
    neighbours = [
        Cell(cell.alive, healthy, cell.health + change, cell.spread, cell.first)
        for healthy in counts
        for change in (-error, error)
    ]
    return any(verdict(neighbour, untreated) != found for neighbour in neighbours)


@functools.cache
def grid() -> Mapping[str, Mapping[str, Cell | str]]:
    """Return the recorded results: patient, then `AS_IS` or remedy, then a `Cell`, or why the remedy does not apply."""
    recorded = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        name: {remedy: cell if isinstance(cell, str) else _cell(cell) for remedy, cell in row.items()}
        for name, row in recorded.items()
    }


def _cell(fields: Mapping[str, float | str]) -> Cell:
    return Cell(**{**fields, "first": float(fields["first"])})  # JSON has no infinity: it is written as text


def table() -> dict[str, dict[str, tuple[str, bool]]]:
    """Return for every remedy and patient the verdict, ``"does not apply"`` among them, and whether it is close."""
    results = grid()
    return {
        remedy: {
            name: ("does not apply", False)
            if isinstance(row[remedy], str)
            else (verdict(row[remedy], row[AS_IS]), is_close(row[remedy], row[AS_IS]))
            for name, row in results.items()
        }
        for remedy in REMEDIES
    }


def curves(name: str, remedy: str = AS_IS) -> tuple[np.ndarray, np.ndarray]:
    """Return the recorded losses of a patient.

    Parameters
    ----------
    name : str
        Of the patient.
    remedy : str
        A remedy that applies, or `AS_IS`.

    Returns
    -------
    steps : ndarray, shape (points,)
    losses : ndarray, shape (seeds, points)
        To within 1 %; NaN from where a run's loss is not finite.

    Raises
    ------
    ValueError
        If there is no such patient or remedy, or the remedy does not apply.
    """
    one_of("name", name, tuple(grid()))
    one_of("remedy", remedy, (AS_IS, *REMEDIES))
    if isinstance(reason := grid()[name][remedy], str):
        raise ValueError(f"remedy must apply to the patient, got {remedy!r}: {reason}")
    with np.load(CURVES) as kept:
        hundredths = kept[f"{name}/{remedy}"].astype(float)
    hundredths[hundredths == np.iinfo(np.int16).min] = np.nan
    return _kept_steps(patient(name)), 10 ** (hundredths / 100)


def _kept_steps(patient: Patient) -> np.ndarray:
    """Return the steps at which curves are kept: the first few, where runs die, and others at equal distances."""
    last = patient.case.steps - 1
    return np.unique([*range(5), *np.linspace(0, last, POINTS).round().astype(int)])


def _shortened(losses: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return hundredths of a decade of the losses at some steps, each the median of those around it; int16."""
    dead = np.logical_or.accumulate(~np.isfinite(losses), axis=1)
    edges = [0, *((at[1:] + at[:-1] + 1) // 2), losses.shape[1]]
    with np.errstate(all="ignore"):
        hundredths = np.where(dead, np.nan, 100 * np.log10(losses))
    kept = np.full((len(losses), len(at)), np.iinfo(np.int16).min, dtype=np.int16)
    for point, (begin, end) in enumerate(itertools.pairwise(edges)):
        living = ~dead[:, begin]
        kept[living, point] = np.clip(np.nanmedian(hundredths[living, begin:end], axis=1), -3000, 4000).round()
    return kept


def record() -> None:
    """Measure the whole grid, and write it into the package."""
    results, kept = {}, {}
    for each in (*PATIENTS, CONTROL):
        results[each.name] = row = {}
        for remedy in (AS_IS, *REMEDIES):
            case = each.case if remedy == AS_IS else treated(each, remedy)
            if isinstance(case, str):
                row[remedy] = case
                continue
            cell, history = measure(each, case)
            row[remedy] = {name: _rounded(value) for name, value in asdict(cell).items()}
            kept[f"{each.name}/{remedy}"] = _shortened(history.losses, _kept_steps(each))
            print(f"{each.name:9} {remedy:16} {row[remedy]}", flush=True)
    FILE.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(CURVES, **kept)


def _rounded(value: float) -> float | int | str:
    if isinstance(value, int):
        return value
    return float(f"{value:.3g}") if math.isfinite(value) else str(value)
