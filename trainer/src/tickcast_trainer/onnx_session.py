"""How the trainer runs a graph: as a server does, so that the same answers come out."""

from typing import Any


def one_thread_session(graph: bytes) -> Any:
    """Return an onnxruntime session on one thread, whose sums do not depend on the machine."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
