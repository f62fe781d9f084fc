"""One batch replayed under observation, to find where a NaN or an infinity is born; `source` is the way in.

`calls` follows the modules, `forward_trace` and `gradient_trace` the operations, `lines` the user's program;
`untouched` leaves everything as it was, `remedies` advise, and `location` is what is said in the end.
"""
