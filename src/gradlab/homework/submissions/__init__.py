"""What was handed in: `files` are found, `matching` tells whose they are, `notebooks` what is in one."""
