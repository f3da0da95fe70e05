"""What an engine fails with."""

from tickcast_trainer.errors import TrainerError


class LostWorker(TrainerError):
    """A process that computed a part of the run ended before its time."""

    exit_code = 1
