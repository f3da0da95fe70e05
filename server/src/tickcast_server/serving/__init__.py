"""Models and predictions. Knows neither gRPC nor the store's product."""
