"""Everything that knows protobuf or gRPC: decode, call, encode."""
