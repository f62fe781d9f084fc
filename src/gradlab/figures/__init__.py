"""Every picture of the book: each function takes data and returns a finished figure with its alt text and caption.

How a figure looks in general (style, SVG, light and dark) is `gradlab.canvas`' business.
"""

from gradlab.figures.number_formats import last_depths
from gradlab.figures.products import log_gradient_as_a_sum, norm_against_depth, norm_along_depth, paths_along_depth
from gradlab.figures.training_runs import signal_and_loss

__all__ = [
    "last_depths",
    "log_gradient_as_a_sum",
    "norm_against_depth",
    "norm_along_depth",
    "paths_along_depth",
    "signal_and_loss",
]
