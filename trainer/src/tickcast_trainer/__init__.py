"""Bars in, model packages out: walk-forward training of price-prediction models, offline."""
