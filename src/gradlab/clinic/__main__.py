"""``python -m gradlab.clinic`` measures every remedy on every patient anew, and writes the results into the package."""

import torch

from gradlab.clinic.grid import record

if __name__ == "__main__":
    torch.set_num_threads(1)
    record()
