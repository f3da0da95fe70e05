"""The Tickcast server: model packages and bars in, predictions out over gRPC."""
