"""Where the independent parts of a run are computed: here, on other processes, or on Ray."""

from tickcast_trainer.engine.engine import HERE, Engine, Here, open_engine

__all__ = ["HERE", "Engine", "Here", "open_engine"]
