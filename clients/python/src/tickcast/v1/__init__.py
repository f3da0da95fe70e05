"""The contract in Python: package `tickcast.v1`, generated from `proto/` by `make proto`."""
