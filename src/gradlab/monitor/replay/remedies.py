"""What to try, for each operation in which non-finite values are usually born."""

from __future__ import annotations

import torch

LOGS = "keep its argument above 0: clamp it, add a small constant, or use log_softmax, logsumexp or a loss on logits"
DIVISIONS = "the divisor is 0, or nearly: add a small constant to it, or count what it counts before dividing"
EXPONENTIALS = "its argument is too large: subtract the maximum first, or use softmax, logsumexp or softplus"
EMPTY_ROWS = "a whole row is masked out: leave one entry of each row unmasked, or mask with a large finite number"
POWERS = "a negative base, or a power of 0: clamp the base to a small positive number"
ROOTS = "keep its argument from going below 0"
PRODUCTS = (
    "the signal grew past the number format on its way here: see the magnitudes of the layers before, "
    "the scale of the weights, and the learning rate of the steps before"
)
FORWARD = {
    **dict.fromkeys(("log", "log2", "log10", "log1p", "binary_cross_entropy", "logit"), LOGS),
    **dict.fromkeys(("div", "div_", "true_divide", "reciprocal", "remainder", "fmod", "rsqrt", "mean"), DIVISIONS),
    **dict.fromkeys(("exp", "expm1", "exp2", "sinh", "cosh", "logsumexp"), EXPONENTIALS),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), EMPTY_ROWS),
    **dict.fromkeys(("pow", "pow_"), POWERS),
    **dict.fromkeys(("sqrt", "sqrt_", "acos", "asin", "acosh", "atanh"), ROOTS),
    **dict.fromkeys(("mm", "addmm", "bmm", "baddbmm", "convolution", "mul", "mul_", "add", "add_", "sum"), PRODUCTS),
    "std": "fewer than two entries have no standard deviation: correction=0, or larger groups",
    "var": "fewer than two entries have no variance: correction=0, or larger groups",
}
AT_ZERO = "its derivative at 0 is infinite: add a small constant inside it"
NORMS = "the derivative of a norm at 0 does not exist: add a small constant under the root, or skip rows of zeros"
WHERE = (
    "its derivative at such an argument is not finite, even where torch.where or a mask discards its result: "
    "replace the argument before the operation, not the result after it"
)
BACKWARD = {
    **dict.fromkeys(("sqrt", "rsqrt", "pow"), AT_ZERO),
    **dict.fromkeys(("linalg_vector_norm", "norm", "cdist", "std", "var", "std_mean", "euclidean_dist"), NORMS),
    **dict.fromkeys(("log", "log2", "log10", "log1p", "div", "reciprocal", "exp", "mul"), WHERE),
    **dict.fromkeys(
        ("acos", "asin", "atan2", "acosh", "atanh"), "its derivative at the ends of its domain is infinite: clamp"
    ),
}
HALF = {
    torch.float16: "float16 ends at 65504: use bfloat16, or keep this operation in float32",
    torch.bfloat16: "bfloat16 ends at 3.4e38, as float32 does: the signal itself explodes before it gets here",
}
DATA = "look at this batch: drop or repair the entries that are not finite, before the first layer sees them"
PARAMETERS = (
    "the damage was done before this batch: load a checkpoint from before, run up to the step at which the loss or a "
    "gradient is first not finite, and locate there"
)
NONE = (
    "replay the very batch, with the random state and the parameters from before the step; with a GradScaler, return "
    "the scaled loss, since float16 overflows only at its scale"
)
TARGETS = "look at the targets and weights that the loss gets"
SUMMED = "gradients that are finite one by one overflow in their sum: scale the loss down, or sum in float32"


def for_forward(operation: str | None, dtype: torch.dtype, nan: bool) -> str:
    """Return the advice for a value that is born in the forward pass."""
    if dtype in HALF and not nan and operation not in ("log", "div", "reciprocal", "rsqrt", "pow"):
        return HALF[dtype]
    return FORWARD.get(operation or "", "look at what this code does to the input described")


def for_backward(operation: str | None, dtype: torch.dtype | None) -> str:
    """Return the advice for a gradient that is born in the backward pass."""
    if operation in BACKWARD:
        return BACKWARD[operation]
    return HALF.get(
        dtype, "look at its derivative at the input described; in a custom autograd function, at its backward"
    )
