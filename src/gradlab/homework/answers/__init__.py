"""The way from a check to a student's code and back, within one process or between two.

`asking` is the checks' end and `workplace` the student's, `wire` what goes between them, `timeouts` what ends a wait;
`local` has both ends in one process.
"""
