"""Times in files: what is read, what it becomes, and what is refused."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from tickcast_trainer.sources.instants import parse_instants


def instants(*values: object) -> list[str]:
    parsed = parse_instants(pd.Series(list(values)))
    assert parsed.problems == ()
    return [
        str(np.datetime64(int(moment), "us").astype("datetime64[ms]"))
        for moment in parsed.microseconds
    ]


def refused(*values: object) -> dict[int, str]:
    return dict(parse_instants(pd.Series(list(values))).problems)


@pytest.mark.parametrize(
    "value",
    [
        "2017-07-03T00:00:00Z",
        "2017-07-03 00:00:00+00:00",
        "2017-07-02T20:00:00-04:00",
        "2017-07-03T09:00+0900",
        "2017-07-03",
        "20170703",
        " 2017-07-03 ",
        "1499040000",
        "1499040000000",
        "1499040000000000",
        "1499040000000000000",
        1499040000,
        1499040000000.0,
        dt.date(2017, 7, 3),
        pd.Timestamp("2017-07-03"),
        pd.Timestamp("2017-07-02 20:00", tz="America/New_York"),
    ],
)
def test_one_instant_has_many_spellings(value: object) -> None:
    assert instants(value) == ["2017-07-03T00:00:00.000"]


def test_times_without_a_zone_are_utc_and_said_to_be() -> None:
    assert parse_instants(pd.Series(["2017-07-03T12:00:00"])).zoneless
    assert not parse_instants(pd.Series(["2017-07-03T12:00:00Z"])).zoneless
    assert not parse_instants(pd.Series(["1499040000"])).zoneless


def test_summer_time_is_one_zone() -> None:
    assert instants("2020-01-02T00:00-05:00", "2020-06-02T00:00-04:00") == [
        "2020-01-02T05:00:00.000",
        "2020-06-02T04:00:00.000",
    ]


def test_times_with_and_without_a_zone_do_not_mix() -> None:
    assert refused("2020-01-01T00:00Z", "2020-01-02T00:00", "2020-01-03T00:00Z") == {
        1: "a time with a zone as in the first row, 2020-01-01T00:00Z"
    }
    assert refused("2020-01-01", "2020-01-02T00:00Z") == {
        1: "a time without a zone as in the first row, 2020-01-01"
    }


def test_two_zones_do_not_mix() -> None:
    assert refused("2020-01-01T00:00Z", "2020-01-02T09:00+09:00") == {
        1: "the time zone of the first row, 2020-01-01T00:00Z"
    }


def test_two_units_do_not_mix() -> None:
    assert refused("1499040000000", "1499040060000", "1499040120") == {
        2: "an integer of milliseconds since the Unix epoch, as in the first row"
    }


@pytest.mark.parametrize(
    "value", ["yesterday", "03/01/2000", "2020-13-01", "", None, "nan", "12345"]
)
def test_what_is_no_time_is_refused_by_position(value: object) -> None:
    assert list(refused("2020-01-01", value, "2020-01-03")) == [1]


def test_a_missing_timestamp_is_refused() -> None:
    assert list(refused(pd.Timestamp("2020-01-01"), pd.NaT)) == [1]
    assert list(refused(1499040000.0, float("nan"), 1499040000.5)) == [1, 2]
