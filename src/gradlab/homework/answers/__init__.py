"""The way from a check to a student's code and back, within one process or between two.

`asking` has both ends, `wire` is what goes between them, `timeouts` are what ends a wait.
"""
