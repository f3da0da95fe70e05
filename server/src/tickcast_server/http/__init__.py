"""The contract over HTTP: Connect and gRPC-Web, for `curl`, browsers and whatever has no gRPC."""
