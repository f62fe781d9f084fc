"""Student code in a process that may do little, and from which nothing is believed.

`place` starts the process, under the filter of `seccomp`; in there, `worker` answers. Out here, `child` holds it to its
limits, which `processes` measures, and `remote` has a whole notebook run in it.
"""
