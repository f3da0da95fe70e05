"""The commands of the pages that no test types, each with the reason. There are no others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NotRun:
    """Commands of a page that begin so."""

    page: str
    begins: str
    reason: str


NOT_RUN = (
    NotRun("README.md", "make run", "docs/tutorial.md types what it does"),
    NotRun("README.md", "make test", "it would run itself"),
    NotRun("CONTRIBUTING.md", "make test", "it would run itself"),
    NotRun("CONTRIBUTING.md", "make coverage", "it would run itself"),
    NotRun("clients/python/README.md", "pip install", "make setup installs the same"),
    NotRun(
        "clients/typescript/README.md", "npm", "scripts/typescript installs and builds the same"
    ),
    NotRun("docs/data.md", "tickcast-data import --source yfinance", "it asks the internet"),
    NotRun("docs/how_to/own_redis.md", "apt-get", "it changes the machine"),
    NotRun("docs/operations.md", "TICKCAST_TLS", "test_tls.py starts it"),
    NotRun("docs/operations.md", "grpcurl -cacert", "test_tls.py asks so"),
    NotRun("docs/operations.md", "tickcast-health --cacert", "test_tls.py asks so"),
    NotRun("docs/performance.md", "make bench", "it takes minutes to an hour"),
    NotRun("docs/registry.md", "tickcast-train", "test_registry_mlflow.py does it"),
    NotRun("docs/registry.md", "TICKCAST_REGISTRY_URL", "test_registry_mlflow.py does it"),
    NotRun("docs/registry.md", "mlflow server", "test_registry_mlflow.py does it"),
    NotRun("docs/tutorial.md", "make setup", "the tests run in what it makes"),
    NotRun("docs/tutorial.md", "source .venv", "the tests run in what it makes"),
)


def is_run(page: str, command: str) -> bool:
    """Whether a command of a page is typed."""
    return not any(entry.page == page and command.startswith(entry.begins) for entry in NOT_RUN)
