"""Machinery behind the book *Exploding Gradients*.

Each room is imported by its name (``from gradlab import jacobians``). This file imports none of them, so that
``import gradlab`` costs nothing.
"""

__version__ = "0.1.0"
