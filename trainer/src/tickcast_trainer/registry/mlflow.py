"""What the trainer asks of an MLflow server, in its terms: experiments, runs, versions, aliases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tickcast_trainer.registry.errors import ArtifactsNotServed, RegistryRefused
from tickcast_trainer.registry.rest import RestServer

_ABSENT = "RESOURCE_DOES_NOT_EXIST"
_PRESENT = "RESOURCE_ALREADY_EXISTS"
_SERVED = "mlflow-artifacts:/"
_PACKAGE = "package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run on the server."""

    identity: str
    artifact_uri: str

    @property
    def package_uri(self) -> str:
        """Where the files of the package are."""
        return f"{self.artifact_uri}/{_PACKAGE}"


@dataclass(frozen=True, slots=True)
class MLflow:
    """One server. Every method raises RegistryError."""

    server: RestServer

    def experiment(self, name: str) -> str | None:
        """Return the id of the experiment; None when there is none yet.

        Raises ArtifactsNotServed when files could not be put into its runs.
        """
        try:
            answer = self.server.get("mlflow/experiments/get-by-name", experiment_name=name)
        except RegistryRefused as error:
            if error.code == _ABSENT:
                return None
            raise
        found = answer["experiment"]
        self._check_served(str(found["artifact_location"]))
        return str(found["experiment_id"])

    def create_experiment(self, name: str) -> str:
        """Make an experiment and return its id."""
        return str(self.server.post("mlflow/experiments/create", {"name": name})["experiment_id"])

    def start_run(
        self, experiment: str, *, name: str, tags: Mapping[str, str], time_ms: int
    ) -> Run:
        """Begin a run at ``time_ms``, milliseconds since the epoch."""
        body = {
            "experiment_id": experiment,
            "run_name": name,
            "start_time": time_ms,
            "tags": _pairs(tags),
        }
        info: Any = self.server.post("mlflow/runs/create", body)["run"]["info"]
        return Run(identity=str(info["run_id"]), artifact_uri=str(info["artifact_uri"]))

    def log(
        self,
        run: Run,
        *,
        parameters: Mapping[str, str],
        metrics: Mapping[str, float],
        time_ms: int,
    ) -> None:
        """Log parameters and metrics, measured at ``time_ms``, milliseconds since the epoch."""
        measured = [
            {"key": key, "value": value, "timestamp": time_ms, "step": 0}
            for key, value in metrics.items()
        ]
        body = {"run_id": run.identity, "params": _pairs(parameters), "metrics": measured}
        self.server.post("mlflow/runs/log-batch", body)

    def log_dataset(self, run: Run, dataset: Mapping[str, str]) -> None:
        """Log what the run was trained on, in the fields of MLflow's Dataset."""
        context = _pairs({"mlflow.data.context": "training"})
        body = {"run_id": run.identity, "datasets": [{"dataset": dict(dataset), "tags": context}]}
        self.server.post("mlflow/runs/log-inputs", body)

    def upload(self, run: Run, name: str, content: bytes) -> None:
        """Put a file of the package into the run."""
        self._check_served(run.artifact_uri)
        path = run.package_uri.removeprefix(_SERVED)
        self.server.put(f"mlflow-artifacts/artifacts/{path}/{name}", content)

    def end_run(self, run: Run, *, succeeded: bool, time_ms: int) -> None:
        """End a run at ``time_ms``, milliseconds since the epoch."""
        status = "FINISHED" if succeeded else "FAILED"
        body = {"run_id": run.identity, "status": status, "end_time": time_ms}
        self.server.post("mlflow/runs/update", body)

    def register(self, model: str, run: Run, *, description: str, tags: Mapping[str, str]) -> int:
        """Make the run's package the next version of a model, and return its number."""
        try:
            self.server.post("mlflow/registered-models/create", {"name": model})
        except RegistryRefused as error:
            if error.code != _PRESENT:
                raise
        body = {
            "name": model,
            "source": run.package_uri,
            "run_id": run.identity,
            "description": description,
            "tags": _pairs(tags),
        }
        answer = self.server.post("mlflow/model-versions/create", body)
        return int(answer["model_version"]["version"])

    def versions(self, model: str) -> dict[int, dict[str, str]]:
        """Return the tags of every version of a model by its number; none of an unknown model."""
        found: dict[int, dict[str, str]] = {}
        page = {"filter": f"name='{model}'", "max_results": "200"}
        while True:
            answer = self.server.get("mlflow/model-versions/search", **page)
            for version in answer.get("model_versions", ()):
                tags = {tag["key"]: tag["value"] for tag in version.get("tags", ())}
                found[int(version["version"])] = tags
            if not answer.get("next_page_token"):
                return found
            page["page_token"] = answer["next_page_token"]

    def point(self, model: str, alias: str, version: int) -> None:
        """Point an alias of a model at one of its versions."""
        body = {"name": model, "alias": alias, "version": str(version)}
        self.server.post("mlflow/registered-models/alias", body)

    def _check_served(self, location: str) -> None:
        # Two slashes would name another host.
        if not location.startswith(_SERVED) or location.startswith(f"{_SERVED}/"):
            raise ArtifactsNotServed(self.server.url, location)


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
