"""A client for Tickcast: predictions of market prices over gRPC."""
