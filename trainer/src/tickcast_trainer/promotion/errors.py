"""What promotion refuses.

::

    TrainerError
    └── PromotionError
        ├── NoCandidate          there is no version to promote, or it is champion already
        ├── NoFormerChampion     there is nothing to roll back to
        ├── NotComparable        candidate and champion answer different questions
        └── TooLittleEvidence    too few bars came after both were trained

All are the caller's to mend, and the program ends with exit code 2.
"""

from tickcast_trainer.errors import TrainerError


class PromotionError(TrainerError):
    """Base of everything that promotion refuses."""


class NoCandidate(PromotionError):
    """There is no version to promote."""


class NoFormerChampion(PromotionError):
    """There is no version to go back to."""


class NotComparable(PromotionError):
    """Two versions predict different things, so that no figure compares them."""


class TooLittleEvidence(PromotionError):
    """There are too few rows that neither version was trained on."""
