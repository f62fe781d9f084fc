"""Every picture of the book: each function takes data and returns a finished figure with its alt text and caption.

How a figure looks in general (style, SVG, light and dark) is `gradlab.canvas`' business.
"""

from gradlab.figures.cliff import step_at_cliff
from gradlab.figures.clipping import clipped_arrows
from gradlab.figures.depth import signals_against_depth
from gradlab.figures.descent import descent_on_parabola
from gradlab.figures.detectors import precision_and_recall, runs_along_sign
from gradlab.figures.gates import gates_and_cell
from gradlab.figures.growth import growth_against_scale
from gradlab.figures.noise import noise_against_batch_size
from gradlab.figures.number_formats import last_depths
from gradlab.figures.products import log_gradient_as_a_sum, norm_against_depth, norm_along_depth, paths_along_depth
from gradlab.figures.shattering import correlations, gradients_along_input
from gradlab.figures.steps import norms_over_steps
from gradlab.figures.symptoms import loss_curves, warning_times
from gradlab.figures.training_runs import final_scores, signal_and_loss
from gradlab.figures.treatments import losses_under_treatment, remedies_on_patients

__all__ = [
    "clipped_arrows",
    "correlations",
    "descent_on_parabola",
    "final_scores",
    "gates_and_cell",
    "gradients_along_input",
    "growth_against_scale",
    "last_depths",
    "log_gradient_as_a_sum",
    "loss_curves",
    "losses_under_treatment",
    "noise_against_batch_size",
    "norm_against_depth",
    "norm_along_depth",
    "norms_over_steps",
    "paths_along_depth",
    "precision_and_recall",
    "remedies_on_patients",
    "runs_along_sign",
    "signal_and_loss",
    "signals_against_depth",
    "step_at_cliff",
    "warning_times",
]
