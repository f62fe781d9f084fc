"""A monitor for your own training: what is wrong, since which step, in which layer, and what to try."""
