"""Prometheus metrics. Every name begins with `tickcast_`; durations are in seconds.

Where several processes serve on one port, `multiprocess_mode` says what becomes of their gauges on
the one page; counts and histograms are added up.

What calls and bars write to is tallied, `observe.tallies` says why; the rest is
prometheus_client's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
)

from tickcast_server.feeds.leaving_out import LeftOut
from tickcast_server.observe.stages import StageSeconds
from tickcast_server.observe.tallies import Counts, Distributions
from tickcast_server.serving.foreign import ForeignModel
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import Catalogue
from tickcast_server.serving.predictor import FeatureSource
from tickcast_server.serving.registry.follower import RegistryStatus
from tickcast_server.store.store import SeriesKey
from tickcast_server.turn import Loss, Turn

_CALL_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01),
    *(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
_INFERENCE_SECONDS = (
    *(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005),
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.1),
)
_AGE_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 86400, 4 * 86400, 30 * 86400)

_Tally = TypeVar("_Tally", Counts, Distributions)


class Metrics:
    """All metrics of one server, in a registry of its own."""

    def __init__(self, *, stages: bool) -> None:
        """`stages` says whether the time of each stage is kept."""
        self.registry = CollectorRegistry()
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self.registry.register(collector)
        self._tallies: list[Counts | Distributions] = []
        self._calls = self._tallied(
            Counts(
                "tickcast_calls",
                "Calls that have ended, by method and gRPC code.",
                ["method", "code"],
            )
        )
        self._call_seconds = self._tallied(
            Distributions(
                "tickcast_call_seconds",
                "Time from a unary call's arrival to its answer, by method and gRPC code.",
                ["method", "code"],
                bounds=_CALL_SECONDS,
            )
        )
        self._lost = Counter(
            "tickcast_calls_lost",
            "Unary calls whose work was not started or not gone on with, since nobody waited for "
            "it any more: by method and whether the deadline had passed or the caller was gone.",
            ["method", "reason"],
            registry=self.registry,
        )
        self._waiting = Gauge(
            "tickcast_calls_waiting",
            "Unary calls that wait for the store.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._wait_limit = Gauge(
            "tickcast_calls_waiting_limit",
            "Unary calls that may wait for the store.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._waits_refused = Counter(
            "tickcast_calls_waiting_refused",
            "Waits for the store that were refused, since as many waited as may.",
            registry=self.registry,
        )
        self._stages = StageSeconds(self.registry) if stages else None
        self._streams = Gauge(
            "tickcast_streams_open",
            "Streams that are open, by method.",
            ["method"],
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._inference = self._tallied(
            Distributions(
                "tickcast_inference_seconds",
                "Time in onnxruntime for one call of a model.",
                ["model_version"],
                bounds=_INFERENCE_SECONDS,
            )
        )
        self._predictions = self._tallied(
            Counts(
                "tickcast_predictions",
                "Predictions made, by model version.",
                ["model_version"],
            )
        )
        self._reused = self._tallied(
            Counts(
                "tickcast_answers_reused",
                "Predictions that were given again, since neither bar nor model had changed.",
                ["model_version"],
            )
        )
        self._features = self._tallied(
            Counts(
                "tickcast_features_served",
                "Feature vectors that predictions were made from, by where they came from. "
                "The share of source=cache is the hit rate.",
                ["source"],
            )
        )
        self._feature_age = self._tallied(
            Distributions(
                "tickcast_feature_age_seconds",
                "Time between the as-of time of the features and the prediction.",
                bounds=_AGE_SECONDS,
            )
        )
        self._messages = self._tallied(
            Counts(
                "tickcast_stream_messages",
                "Messages about closed bars that streams sent, by whether they were made for it or "
                "were there already.",
                ["origin"],
            )
        )
        self._left_out = self._tallied(
            Counts(
                "tickcast_stream_bars_left_out",
                "Closed bars that streams did not tell of: their reader was behind, or had asked "
                "for larger moves alone.",
                ["reason"],
            )
        )
        self._versions = Gauge(
            "tickcast_model_versions",
            "Model versions in the repository, by whether they are loaded or were refused.",
            ["state"],
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._failed = Gauge(
            "tickcast_model_version_failed",
            "1 for each model version whose files were refused, 0 once they are not any more.",
            ["model_version"],
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._bars = self._tallied(
            Counts(
                "tickcast_series_updates",
                "Times that a series got new bars, by timeframe.",
                ["timeframe"],
            )
        )
        self._store_up = Gauge(
            "tickcast_store_reachable",
            "1 while the store answers, else 0.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._epochs = Counter(
            "tickcast_store_replacements",
            "Times that the store was found replaced by one with another epoch.",
            registry=self.registry,
        )
        self._registry_up = Gauge(
            "tickcast_registry_reachable",
            "1 while the model registry that is followed answers, else 0.",
            ["registry"],
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._followed = Gauge(
            "tickcast_registry_model_present",
            "1 for each model of the registry that is followed and here, else 0.",
            ["reference"],
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._failed_names: set[str] = set()
        self._version_names: set[str] = set()

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        self._calls.labels(method, code).inc()
        self._call_seconds.labels(method, code).observe(seconds)

    def stream_opened(self, method: str) -> None:
        self._streams.labels(method).inc()

    def stream_closed(self, method: str, code: str) -> None:
        self._calls.labels(method, code).inc()
        self._streams.labels(method).dec()

    def call_lost(self, method: str, loss: Loss) -> None:
        self._lost.labels(method, loss.value).inc()

    def waits_changed(self, waiting: int, limit: int) -> None:
        self._waiting.set(waiting)
        self._wait_limit.set(limit)

    def wait_refused(self) -> None:
        self._waits_refused.inc()

    def stages_ended(self, turn: Turn) -> None:
        if self._stages is not None:
            self._stages.observe(turn)

    def publish(self) -> None:
        """Adds what was tallied since the last time to what processes share."""
        for tally in self._tallies:
            tally.publish()
        if self._stages is not None:
            self._stages.publish()

    def features_served(self, source: FeatureSource, age: float) -> None:
        self._features.labels(source).inc()
        self._feature_age.labels().observe(age)

    def features_served_together(
        self, sources: Mapping[FeatureSource, int], ages: NDArray[np.float64]
    ) -> None:
        for source, count in sources.items():
            self._features.labels(source).inc(count)
        self._feature_age.labels().observe_all(ages)

    def answer_reused(self, model_version: str, age: float) -> None:
        self.features_served(FeatureSource.CACHE, age)
        self._reused.labels(model_version).inc()
        self._predictions.labels(model_version).inc()

    def messages_made(self, count: int) -> None:
        self._messages.labels("made").inc(count)

    def messages_shared(self, count: int) -> None:
        self._messages.labels("shared").inc(count)

    def bars_left_out(self, reason: LeftOut, count: int) -> None:
        self._left_out.labels(reason.value).inc(count)

    def inference(self, model: LoadedModel | ForeignModel, rows: int, seconds: float) -> None:
        self._inference.labels(model.name).observe(seconds)
        self._predictions.labels(model.name).inc(rows)

    def models_changed(self, catalogue: Catalogue) -> None:
        """Takes over which versions are loaded and which were refused."""
        versions = [version for entry in catalogue.values() for version in entry.versions.values()]
        self._versions.labels("loaded").set(sum(v.loaded is not None for v in versions))
        self._versions.labels("refused").set(sum(v.failure is not None for v in versions))
        failed = {version.name for version in versions if version.failure is not None}
        # Metrics that processes share cannot be taken back.
        for name in self._failed_names - failed:
            self._failed.labels(name).set(0)
        for name in failed:
            self._failed.labels(name).set(1)
        self._failed_names |= failed
        present = {version.name for version in versions}
        for name in self._version_names - present:
            self._forget(name)
        self._version_names = present

    def _forget(self, version: str) -> None:
        """Drops what is kept of a version that is gone, lest each new one take room for good."""
        if self._stages is not None:
            self._stages.forget(version)
        for tally in (self._inference, self._predictions, self._reused):
            tally.remove(version)

    def _tallied(self, tally: _Tally) -> _Tally:
        self.registry.register(tally)
        self._tallies.append(tally)
        return tally

    def registry_changed(self, status: RegistryStatus) -> None:
        """Takes over whether the registry answers, and what of it is here."""
        self._registry_up.labels(status.url).set(status.unreachable is None)
        for reference, failure in status.failures.items():
            self._followed.labels(reference).set(failure is None)

    def bars_changed(self, keys: Collection[SeriesKey]) -> None:
        for key in keys:
            self._bars.labels(key.timeframe).inc()

    def epoch_changed(self) -> None:
        self._epochs.inc()

    def store_reachable(self, reachable: bool) -> None:
        self._store_up.set(1 if reachable else 0)
