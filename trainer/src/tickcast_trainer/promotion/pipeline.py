"""From settings to a decision, and the only place that wires it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.package import PackagePath, list_versions, read_aliases, set_alias

from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.model import PackagedModel, load_model
from tickcast_trainer.metrics import probability_of_no_gain
from tickcast_trainer.progress import Progress
from tickcast_trainer.promotion.decisions import Decision, Outcome, read_decisions, record
from tickcast_trainer.promotion.errors import (
    NoCandidate,
    NoFormerChampion,
    NotComparable,
    TooLittleEvidence,
)
from tickcast_trainer.promotion.evidence import (
    Evidence,
    Forecasts,
    forecasts_of,
    judge_forecasts,
    shared_rows,
)
from tickcast_trainer.promotion.gate import Check, check_gate
from tickcast_trainer.promotion.settings import PromoteSettings, RollbackSettings
from tickcast_trainer.registry.connect import connect_aliases
from tickcast_trainer.sources.source import find_source

CHAMPION = "champion"


def promote(settings: PromoteSettings, progress: Progress) -> Decision:
    """Compare, decide, write the decision down, and move the alias when it says so.

    That of a registry moves first, found before the work: whoever follows it shares no folder.
    Raises TrainerError, and ModelkitError for a repository or a package that cannot be used.
    """
    candidate, champion = _models(settings)
    move = _mover(settings, candidate.manifest.version)
    start = _start(settings, candidate, champion)
    series = _bars(settings, candidate)
    costs = Costs(**settings.costs.model_dump())
    forecasts, others = _forecasts(settings, series, candidate, champion, start, progress)

    def judge(model: PackagedModel, said: Forecasts) -> Evidence:
        return judge_forecasts(model, said, series, start=start, costs=costs, progress=progress)

    evidence = judge(candidate, forecasts)
    rival = judge(champion, others) if champion is not None and others is not None else None
    p_value = _p_value(forecasts, others, candidate.manifest.horizon_bars) if others else None
    checks = check_gate(settings.gate, evidence, rival, p_value)
    decision = _decide(settings, evidence, rival, checks, start, series)
    # Written first: an alias that moved without a word would be worse than a word too many.
    record(settings.models, settings.model, decision)
    if decision.moved:
        move()
    return decision


def rollback(settings: RollbackSettings) -> Decision:
    """Point the alias at the champion before the present one, and write it down.

    Raises NoFormerChampion, RegistryError, and ModelkitError for a repository that cannot be used.
    """
    present = read_aliases(settings.models, settings.model).get(CHAMPION)
    held = list_versions(settings.models, settings.model)
    former = _former_champion(read_decisions(settings.models, settings.model), present)
    if present is None or former is None or former not in held:
        raise NoFormerChampion(
            f"model: {settings.model} has champion {present or 'none'} and versions "
            f"{', '.join(map(str, held)) or 'none'}, needed a champion that an earlier, held one "
            "was replaced by"
        )
    move = _mover(settings, former)
    decision = Decision(
        at=_now(),
        outcome="rolled back",
        candidate=former,
        champion=present,
        reason=settings.reason or f"version {present} is taken back",
    )
    record(settings.models, settings.model, decision)
    move()
    return decision


def _mover(settings: PromoteSettings | RollbackSettings, version: int) -> Callable[[], None]:
    """What makes a version champion, once everything that it takes is known to be there."""
    aliases = connect_aliases(settings.registry, settings.registry_url, os.environ)
    package = PackagePath(repository=settings.models, name=settings.model, version=version)
    registered = aliases.find(package) if aliases is not None else 0

    def move() -> None:
        if aliases is not None:
            aliases.point(settings.model, CHAMPION, registered)
        set_alias(settings.models, settings.model, CHAMPION, version)

    return move


def _former_champion(decisions: Sequence[Decision], present: int | None) -> int | None:
    """Whom the present champion replaced: what was rolled back is no champion to go back to."""
    stack: list[int] = []
    for decision in decisions:
        if decision.outcome == "rolled back":
            while stack and stack[-1] != decision.candidate:
                stack.pop()
        elif decision.moved:
            if decision.champion is not None and stack[-1:] != [decision.champion]:
                stack.append(decision.champion)
            stack.append(decision.candidate)
    if present in stack:
        below = stack[: len(stack) - 1 - stack[::-1].index(present)]
        return below[-1] if below else None
    return None


def _models(settings: PromoteSettings) -> tuple[PackagedModel, PackagedModel | None]:
    aliases = read_aliases(settings.models, settings.model)
    held = list_versions(settings.models, settings.model)
    text = settings.candidate
    number = int(text) if text.isdecimal() else aliases.get(text)
    if number not in held:
        known = ", ".join([*map(str, held), *sorted(aliases)]) or "no version yet"
        raise NoCandidate(
            f"candidate: was {text!r}, needed one of {settings.model}'s versions in "
            f"{settings.models}: {known}"
        )
    if number == aliases.get(CHAMPION):
        raise NoCandidate(f"candidate: was version {number}, which is champion already")
    champion = aliases.get(CHAMPION)
    return (
        _load(settings, number),
        _load(settings, champion) if champion is not None else None,
    )


def _load(settings: PromoteSettings, version: int | None) -> PackagedModel:
    folder = settings.models / settings.model / str(version)
    return load_model(folder, features=settings.features)


def _start(
    settings: PromoteSettings, candidate: PackagedModel, champion: PackagedModel | None
) -> int:
    both = [candidate] if champion is None else [candidate, champion]
    if champion is not None:
        asked = [_question(one) for one in both]
        if asked[0] != asked[1]:
            raise NotComparable(
                f"candidate: predicts {asked[0]}, needed what the champion does, {asked[1]}"
            )
    trained = max(one.manifest.training.end for one in both)
    if settings.start is None:
        return trained
    start = int(settings.start.timestamp())
    if start < trained:
        raise TooLittleEvidence(
            f"start: was {settings.start.isoformat()}, needed {np.datetime64(trained, 's')}Z or "
            "later, as one of the two was trained on bars up to then"
        )
    return start


def _question(model: PackagedModel) -> str:
    manifest = model.manifest
    within = f"{manifest.horizon_bars} bars of {manifest.timeframe}"
    if manifest.barrier is None:
        return f"{manifest.target} over {within}"
    return (
        f"{manifest.target} within {within}, barriers {manifest.barrier.width:g} volatilities off"
    )


def _bars(settings: PromoteSettings, candidate: PackagedModel) -> list[BarSeries]:
    timeframe = settings.timeframe or str(candidate.manifest.timeframe)
    series = find_source(settings.source)(settings.path, timeframe=timeframe)
    if settings.end is None:
        return series
    end = int(settings.end.timestamp())
    cut = [one.closed_by(end) for one in series]
    return [one for one in cut if len(one)]


def _forecasts(
    settings: PromoteSettings,
    series: Sequence[BarSeries],
    candidate: PackagedModel,
    champion: PackagedModel | None,
    start: int,
    progress: Progress,
) -> tuple[Forecasts, Forecasts | None]:
    if not series:
        raise TooLittleEvidence("bars: were none by the end, needed some")
    forecasts = forecasts_of(candidate, series, start=start, progress=progress)
    others = None
    if champion is not None:
        others = forecasts_of(champion, series, start=start, progress=progress)
        forecasts, others = shared_rows(forecasts, others)
    if len(forecasts.target) < settings.minimum_rows:
        raise TooLittleEvidence(
            f"bars: gave {len(forecasts.target)} predictions with an outcome from "
            f"{np.datetime64(start, 's')}Z on, needed {settings.minimum_rows} (--minimum-rows)"
        )
    return forecasts, others


def _p_value(one: Forecasts, other: Forecasts, horizon: int) -> float:
    return probability_of_no_gain(
        one.prediction, other.prediction, one.target, one.key[:, 0], horizon=horizon
    )


def _decide(
    settings: PromoteSettings,
    evidence: Evidence,
    rival: Evidence | None,
    checks: Sequence[Check],
    start: int,
    series: Sequence[BarSeries],
) -> Decision:
    failed = [check for check in checks if not check.passed]
    outcome: Outcome = "promoted"
    reason = "the gate holds"
    if failed:
        outcome = "forced" if settings.force else "refused"
        reason = "the gate does not hold: " + "; ".join(map(str, failed))
    figures: dict[str, Any] = {
        "window": {
            "start": f"{np.datetime64(start, 's')}Z",
            "end": f"{np.datetime64(max(int(one.close_time[-1]) for one in series), 's')}Z",
            "symbols": [one.symbol for one in series],
        },
        "costs": settings.costs.model_dump(),
        "gate": settings.gate.model_dump(),
        "checks": [{**asdict(check), "passed": check.passed} for check in checks],
        "candidate": asdict(evidence),
        "champion": asdict(rival) if rival else None,
    }
    return Decision(
        at=_now(),
        outcome=outcome,
        candidate=evidence.version,
        champion=rival.version if rival else None,
        reason=reason,
        figures=figures,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
