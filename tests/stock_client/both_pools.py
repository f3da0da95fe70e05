"""Imports the server's messages and tritonclient's into one process, in the order of argv."""

from __future__ import annotations

import importlib
import sys

OURS = "tickcast_server.rpc.inference.protocol.grpc_service_pb2"
THEIRS = "tritonclient.grpc.service_pb2"

modules = [importlib.import_module({"ours": OURS, "theirs": THEIRS}[name]) for name in sys.argv[1:]]
first, second = (module.DESCRIPTOR for module in modules)
assert first.serialized_pb == second.serialized_pb, "the protocol was changed"
assert first.pool is not second.pool
for one, other in zip(first.dependencies, second.dependencies, strict=True):
    assert one.serialized_pb == other.serialized_pb, "the configuration was changed"
