"""What keeps a graph from being served."""

from __future__ import annotations


class UnusableModel(ValueError):
    """The ONNX file cannot be run, or not as its manifest says."""
