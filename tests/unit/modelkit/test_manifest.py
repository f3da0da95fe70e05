from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tickcast_modelkit.errors import InvalidManifest
from tickcast_modelkit.features import Rank
from tickcast_modelkit.features.specification import CrossSectionSpecification
from tickcast_modelkit.manifest import Direction, Manifest, ReferenceQuantiles, Tails
from tickcast_modelkit.testing import tiny_manifest

MANIFEST = tiny_manifest()
TAILS = Tails(
    output_name="tails",
    lower_correction=-0.05,
    upper_correction=0.1,
    scale_feature="realised_volatility_20",
    calibration_rows=200,
    parameters={"trees": 150},
)
Document = dict[str, Any]


def document() -> Document:
    found: Document = json.loads(MANIFEST.to_json())
    return found


def read(value: object) -> Manifest:
    return Manifest.from_json(json.dumps(value).encode())


def test_reads_back_what_it_wrote() -> None:
    again = Manifest.from_json(MANIFEST.to_json().encode())
    assert again == MANIFEST
    assert again.to_json() == MANIFEST.to_json()


def test_a_manifest_without_tails_does_not_speak_of_them() -> None:
    assert "tails" not in document()
    assert read(document()).tails is None
    assert read({**document(), "tails": None}).tails is None


def test_tails_are_read_as_strictly_as_all_else() -> None:
    manifest = replace(MANIFEST, tails=TAILS)
    assert Manifest.from_json(manifest.to_json().encode()) == manifest
    found = json.loads(manifest.to_json())["tails"]
    for changed, message in (
        ({**found, "surprise": 1}, "$.tails.surprise: was unknown"),
        ({key: found[key] for key in found if key != "output_name"}, "$.tails.output_name: was mi"),
        ({**found, "calibration_rows": "200"}, '$.tails.calibration_rows: was "200", needed an in'),
        ({**found, "output_name": "prediction"}, "$.tails.output_name: was 'prediction', needed a"),
        ({**found, "scale_feature": "luck"}, "$.tails.scale_feature: was 'luck', needed the name"),
        ([], "$.tails: was [], needed an object"),
    ):
        with pytest.raises(InvalidManifest) as caught:
            read({**document(), "tails": changed})
        assert message in str(caught.value)


def test_a_direction_is_read_back_and_every_output_has_a_name_of_its_own() -> None:
    assert "direction" not in document()
    direction = Direction(
        output_name="probability",
        brier_score=0.2490,
        base_rate_brier_score=0.2498,
        log_loss=0.6912,
        base_rate_log_loss=0.6927,
    )
    manifest = replace(MANIFEST, tails=TAILS, direction=direction)
    assert Manifest.from_json(manifest.to_json().encode()) == manifest
    for taken in ("prediction", "tails"):
        with pytest.raises(InvalidManifest, match=rf"\$.direction.output_name: was '{taken}'"):
            replace(manifest, direction=replace(direction, output_name=taken))


def test_ranks_are_read_back_as_strictly_as_all_else() -> None:
    assert "cross_section" not in document()["features"]
    section = CrossSectionSpecification(
        ranks=(Rank("rank_return_5", of="return_5"),), universe=("A", "B"), minimum_share=0.8
    )
    features = replace(MANIFEST.features, cross_section=section)
    quantiles = {
        **MANIFEST.reference_quantiles.features,
        "rank_return_5": tuple(np.linspace(-0.5, 0.5, 11).tolist()),
    }
    manifest = replace(
        MANIFEST,
        features=features,
        reference_quantiles=replace(MANIFEST.reference_quantiles, features=quantiles),
    )
    assert manifest.feature_names[-1] == "rank_return_5"
    assert Manifest.from_json(manifest.to_json().encode()) == manifest
    path = r"\$.features.cross_section"
    for changed, message in (
        ({"universe": ()}, rf"{path}.universe: was \(\), needed symbols"),
        (
            {"universe": ("B", "A")},
            rf"{path}.universe: was \('B', 'A'\), needed symbols, each once",
        ),
        ({"minimum_share": 2.0}, rf"{path}.minimum_share: was 2.0, needed above 0"),
        ({"ranks": (Rank("rank_return_5", of="luck"),)}, rf"{path}.ranks\[0\].of: was 'luck'"),
    ):
        wrong = replace(features, cross_section=replace(section, **changed))
        with pytest.raises(InvalidManifest, match=message):
            replace(manifest, features=wrong)


def paths(value: object, prefix: str = "$") -> list[str]:
    if not isinstance(value, dict):
        return []
    inner = [path for key in value for path in paths(value[key], f"{prefix}.{key}")]
    return [f"{prefix}.{key}" for key in value] + inner


def declared_paths() -> list[str]:
    # Mappings hold names of their own: what must be there is what the dataclasses declare.
    free = ("$.reference_quantiles.features.", "$.libraries.", "$.training.parameters.")
    return [path for path in paths(document()) if not path.startswith(free)]


def holder(found: Document, path: str) -> tuple[Document, str]:
    *parents, key = path.removeprefix("$.").split(".")
    for parent in parents:
        found = found[parent]
    return found, key


@pytest.mark.parametrize("path", declared_paths())
def test_every_key_is_needed(path: str) -> None:
    changed = document()
    parent, key = holder(changed, path)
    del parent[key]
    with pytest.raises(InvalidManifest) as caught:
        read(changed)
    assert (caught.value.path, caught.value.was) == (path, "missing")


@pytest.mark.parametrize("path", declared_paths())
def test_every_value_has_one_type(path: str) -> None:
    changed = document()
    parent, key = holder(changed, path)
    parent[key] = [[{}]]
    with pytest.raises(InvalidManifest) as caught:
        read(changed)
    assert caught.value.path.startswith(path)
    assert caught.value.was


@pytest.mark.parametrize("place", ["$", "$.training", "$.evaluation", "$.band", "$.parity"])
def test_an_unknown_key_is_refused(place: str) -> None:
    changed = document()
    parent, key = holder(changed, f"{place}.surprise")
    parent[key] = 1
    with pytest.raises(InvalidManifest) as caught:
        read(changed)
    assert (caught.value.path, caught.value.was) == (f"{place}.surprise", "unknown")


def put(path: str, value: object) -> Callable[[Document], None]:
    def change(found: Document) -> None:
        parent, key = holder(found, path)
        parent[key] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("$.schema_version", 2, "$.schema_version: was 2, needed 1"),
        ("$.schema_version", True, "$.schema_version: was true, needed an integer"),
        ("$.name", "Tiny", "$.name: was 'Tiny', needed a name like"),
        ("$.name", 7, "$.name: was 7, needed a string"),
        ("$.version", -1, "$.version: was -1, needed a positive integer"),
        ("$.version", 1.0, "$.version: was 1.0, needed an integer"),
        ("$.created_at", "yesterday", "$.created_at: was 'yesterday', needed an RFC 3339 time"),
        ("$.created_at", "2024-13-01T00:00:00Z", "needed an RFC 3339 time"),
        ("$.created_at", "2024-01-01T00:00:00", "needed an RFC 3339 time"),
        ("$.features.features", [], "$.features.features: was (), needed unique names"),
        ("$.features.window", 0, "$.features.window: was 0, needed a positive integer"),
        ("$.timeframe", "1y", "$.timeframe: was '1y', needed a timeframe such as 1d"),
        ("$.horizon_bars", 0, "$.horizon_bars: was 0, needed a positive integer"),
        ("$.target", "price", "$.target: was 'price', needed 'log_return'"),
        ("$.target", "barrier_return", "was 'barrier_return', needed 'log_return'"),
        ("$.barrier", {"width": 1.0, "bars": 20}, "needed 'barrier_return'"),
        ("$.barrier", {"width": 1.0}, "$.barrier.bars: was missing"),
        ("$.training.end", 0, "$.training.end: was 0, needed training.start 1709596800 or later"),
        ("$.training.symbols", "AAPL", '$.training.symbols: was "AAPL", needed an array'),
        ("$.training.parameters", [], "$.training.parameters: was [], needed an object"),
        ("$.training.parameters", {"a": []}, "$.training.parameters.a: was [], needed"),
        ("$.evaluation.beats_baselines", 0, "was 0, needed true or false"),
        ("$.band.coverage", 1, "$.band.coverage: was 1.0, needed above 0 and below 1"),
        ("$.band.lower", 9.0, "$.band.lower: was 9.0, needed at most upper 1.25"),
        ("$.band.scale_feature", "luck", "was 'luck', needed the name of a feature"),
        ("$.band.scale_feature", 3, "$.band.scale_feature: was 3, needed a string or null"),
        ("$.band.quantiles", [0.0, 1.0], "$.band.quantiles: was 2, needed 0 or 101"),
        ("$.band.quantiles", [1.0] * 100 + [0.0], "needed ascending numbers"),
        ("$.band.scale_floor", 0.0, "$.band.scale_floor: was 0.0, needed above 0"),
        ("$.band.scale_floor", 10**400, "$.band.scale_floor: was 1000"),
        ("$.reference_quantiles.features", {}, "$.reference_quantiles.features: was []"),
        ("$.reference_quantiles.features.gap", [1], "was '1 values', needed 11"),
        ("$.libraries", {"numpy": 2}, "$.libraries.numpy: was 2, needed a string"),
    ],
)
def test_a_value_that_cannot_be_is_named(path: str, value: object, message: str) -> None:
    changed = document()
    put(path, value)(changed)
    with pytest.raises(InvalidManifest) as caught:
        read(changed)
    assert message in str(caught.value)


def test_an_element_of_an_array_is_named_by_its_place() -> None:
    changed = document()
    changed["evaluation"]["scores"][1]["rmse"] = "low"
    with pytest.raises(InvalidManifest) as caught:
        read(changed)
    needed = 'manifest.json: $.evaluation.scores[1].rmse: was "low", needed a number'
    assert str(caught.value) == needed


def test_another_schema_version_is_named_before_its_unknown_keys() -> None:
    with pytest.raises(InvalidManifest, match="schema_version: was 2, needed 1"):
        read({"schema_version": 2, "whatever": 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "$: was 0 bytes"),
        (MANIFEST.to_json().encode()[:-20], "needed one JSON document in UTF-8"),
        (b"\xff\xfe\xff", "needed one JSON document in UTF-8"),
        (b"[" * 100_000, "needed one JSON document in UTF-8"),
        (b"[]", "$: was [], needed an object"),
        (b'{"name": "a", "name": "b"}', "$..name: was given twice, needed each key once"),
        (b'{"schema_version": NaN}', "$: was NaN, needed finite numbers"),
        (b'{"schema_version": 1e999}', "$.schema_version: was inf, needed 1"),
    ],
)
def test_what_is_no_document_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(InvalidManifest) as caught:
        Manifest.from_json(text)
    assert message in str(caught.value)


def test_an_infinite_number_is_refused() -> None:
    text = MANIFEST.to_json().replace('"rmse": 0.02', '"rmse": 1e999', 1)
    with pytest.raises(InvalidManifest, match=r"scores\[0\].rmse: was Infinity, needed a number"):
        Manifest.from_json(text.encode())


def test_a_number_that_json_cannot_hold_is_not_written() -> None:
    parity = replace(MANIFEST.parity, median_difference=float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(MANIFEST, parity=parity).to_json()


def test_reference_quantiles_describe_each_feature() -> None:
    features = np.column_stack([np.arange(101), np.full(101, 7)]).astype(np.float32)
    quantiles = ReferenceQuantiles.of(features, ("counted", "constant"))
    assert quantiles.probabilities[0] == 0.0
    assert quantiles.probabilities[-1] == 1.0
    expected = [100 * p for p in quantiles.probabilities]
    assert quantiles.features["counted"] == pytest.approx(expected)
    assert set(quantiles.features["constant"]) == {7.0}
