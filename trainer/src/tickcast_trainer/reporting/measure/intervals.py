"""What intervals promised and what they held, at the coverage asked for and at others."""

import numpy as np

from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.reporting.document import Held, Intervals, Reliability
from tickcast_trainer.reporting.measure.estimates import estimate_of
from tickcast_trainer.validation import intervals
from tickcast_trainer.validation.adaptive import Adaptation
from tickcast_trainer.validation.coverage import Coverage
from tickcast_trainer.validation.intervals import measure_intervals

OTHER_COVERAGES = (0.5, 0.7, 0.95)
"""Measured besides the one asked for; each walks the rows again."""


def measure_reliability(
    evaluator: Evaluator, forecast: OutOfFold, found: intervals.Intervals | None
) -> Intervals | None:
    """Put ``found``, measured at the coverage asked for, beside other coverages.

    None where the folds were too short for any interval; other coverages that they are too short
    for are left out.
    """
    if found is None:
        return None
    by_coverage = {evaluator.coverage: found.kinds}
    for coverage in OTHER_COVERAGES:
        if coverage != evaluator.coverage:
            other = Evaluator(evaluator.dataset, evaluator.folds, coverage=coverage)
            if measured := measure_intervals(other, forecast, Adaptation()):
                by_coverage[coverage] = measured.kinds
    return Intervals(
        nominal=evaluator.coverage,
        served=next(iter(found.kinds)),
        held={kind: _held(one) for kind, one in found.kinds.items()},
        reliability=tuple(
            Reliability(
                nominal=coverage,
                observed={kind: estimate_of(one.overall) for kind, one in kinds.items()},
            )
            for coverage, kinds in sorted(by_coverage.items())
        ),
    )


def _held(coverage: Coverage) -> Held:
    return Held(
        overall=estimate_of(coverage.overall),
        by_symbol={name: estimate_of(one) for name, one in coverage.by_symbol.items()},
        by_regime={name: estimate_of(one) for name, one in coverage.by_regime.items()},
        median_width=coverage.median_width if np.isfinite(coverage.median_width) else None,
        unbounded=coverage.unbounded,
        score=coverage.score if np.isfinite(coverage.score) else None,
        rows=coverage.rows,
    )
