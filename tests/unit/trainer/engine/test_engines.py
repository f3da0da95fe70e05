"""Every engine gives the same results in the same order, and tells of what goes wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tickcast_modelkit.features import CORE, load_feature_file
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import build_dataset
from tickcast_trainer.engine import Engine, Here, open_engine
from tickcast_trainer.engine.errors import LostWorker
from tickcast_trainer.engine.in_order import in_order
from tickcast_trainer.engine.on_ray import RayEngine
from tickcast_trainer.engine.processes import ProcessEngine
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.progress import ProgressLines

SILENT = ProgressLines(Console(quiet=True))
SERIES = [random_walk_bars(120 + 7 * seed, symbol=f"S{seed}", seed=seed) for seed in range(7)]


@pytest.fixture(scope="module")
def ray_engine() -> Iterator[RayEngine]:
    """A real Ray, started once: it takes seconds."""
    with RayEngine(2) as engine:
        yield engine


@pytest.fixture(params=["here", "processes", "ray"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    opened: dict[str, Callable[[], AbstractContextManager[Engine]]] = {
        "here": lambda: nullcontext(Here()),
        "processes": lambda: ProcessEngine(2),
        "ray": lambda: nullcontext(request.getfixturevalue("ray_engine")),
    }
    with opened[request.param]() as engine:
        yield engine


def square_and_process(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def refuse(number: int) -> int:
    if number == 3:
        raise NotEnoughHistory(f"number: was {number}")
    return number


def die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_the_order_of_the_items(engine: Engine) -> None:
    results = list(engine.map(square_and_process, range(50)))
    assert [square for square, _ in results] == [number * number for number in range(50)]
    elsewhere = {process for _, process in results} - {os.getpid()}
    assert bool(elsewhere) is (engine.parallelism > 1)


def test_what_the_function_raises_is_raised_here(engine: Engine) -> None:
    results = engine.map(refuse, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(NotEnoughHistory, match="number: was 3"):
        next(results)


@pytest.mark.parametrize("engine", ["processes", "ray"], indirect=True)
def test_a_worker_that_is_killed_is_told_of(engine: Engine) -> None:
    with pytest.raises(LostWorker, match="want of memory"):
        list(engine.map(die, range(10)))


def test_a_dataset_is_the_same_bits_wherever_it_is_computed(engine: Engine) -> None:
    here, there = (
        build_dataset(SERIES, feature_set=CORE, horizon=2, progress=SILENT, engine=one)
        for one in (Here(), engine)
    )
    assert np.array_equal(here.features.view(np.uint32), there.features.view(np.uint32))
    assert np.array_equal(here.target, there.target)


def test_functions_of_a_users_file_cross_processes(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from tickcast_modelkit.features import Feature, FeatureSet\n"
        "def half(bars):\n    return bars.deviation[:, 0] / 2\n"
        "MINE = FeatureSet(name='mine', window=70, minimum_bars=64, "
        "features=(Feature('half', half),))\n"
    )
    (mine,) = load_feature_file(path).values()
    dataset = build_dataset(SERIES, feature_set=mine, horizon=1, progress=SILENT, engine=engine)
    here = build_dataset(SERIES, feature_set=mine, horizon=1, progress=SILENT)
    assert np.array_equal(dataset.features, here.features)


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_no_more_items_are_taken_than_are_under_way(count: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(count):
            taken.append(number)
            yield number

    results = in_order(
        items(), submit=lambda number: number, result=lambda handle: -handle, ahead=4
    )
    for done, value in enumerate(results):
        assert value == -done
        assert len(taken) <= done + 4
    assert len(taken) == count


def test_one_process_is_this_one() -> None:
    with open_engine("local", 1) as engine:
        assert isinstance(engine, Here)
    with open_engine("local", 2) as engine:
        assert engine.parallelism == 2
