"""Small changes to a source, one at a time, of the kind that slips in: another operator, off by one, a line lost."""

import ast
import copy

SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Gt: ast.Lt,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.And: ast.Or,
}


def mutants(source):
    """Every mutant of a source, as a dictionary from what was changed to the changed source."""
    found = {}
    for i, node in enumerate(ast.walk(ast.parse(source))):
        for what, change in _changes(node):
            tree = copy.deepcopy(ast.parse(source))
            change(list(ast.walk(tree))[i])
            found[f"line {getattr(node, 'lineno', '?')} ({i}): {what}"] = ast.unparse(ast.fix_missing_locations(tree))
    return {what: mutant for what, mutant in found.items() if mutant != ast.unparse(ast.parse(source))}


KINDS = {"item", "tolist", "numpy"}
"""Methods that change what holds a number, and not the number."""


def _changes(node):
    """Return what can be changed about a node: words, and a function that does it to the same node of a copy."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPS:
        other = SWAPS[type(node.op)]
        yield f"{type(node.op).__name__} to {other.__name__}", lambda n: setattr(n, "op", other())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        other = SWAPS[type(node.ops[0])]
        yield f"{type(node.ops[0]).__name__} to {other.__name__}", lambda n: n.ops.__setitem__(0, other())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield f"{node.value} to {node.value + 1}", lambda n: setattr(n, "value", n.value + 1)
    bare = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args + node.keywords
    if bare and node.func.attr not in KINDS:
        yield f"without .{node.func.attr}()", lambda n: setattr(n.func, "attr", "clone")  # a tensor's clone is itself
    body = getattr(node, "body", None)
    if isinstance(body, list) and not isinstance(node, ast.Module):
        for k, statement in enumerate(body):
            yield f"without {ast.unparse(statement)[:40]!r}", lambda n, k=k: n.body.__setitem__(k, ast.Pass())
