"""What h2load prints and logs."""

import pytest

from benchmarks.common.h2load import (
    H2loadMissing,
    Request,
    Row,
    WrongAnswers,
    check_answers,
    check_installed,
    data_bytes,
    pace_of,
    parse_log,
    rate_of,
)

REPORT = """
finished in 2.00s, 498.50 req/s, 128.33KB/s
requests: 997 total, 998 started, 997 done, 997 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 997 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 256.65KB (262811) total, 29.21KB (29910) headers, 209.35KB (214377) data
"""


def test_a_log_has_start_status_and_duration_of_each_call() -> None:
    assert parse_log("1000\t200\t40\n1500\t-1\t7\textra\n") == [
        Row(start=1_000, status=200, microseconds=40),
        Row(start=1_500, status=-1, microseconds=7),
    ]


def test_the_bytes_of_all_bodies_are_read_from_the_report() -> None:
    assert data_bytes(REPORT) == 214_377


def test_a_report_without_traffic_has_no_bytes() -> None:
    assert data_bytes("h2load: could not connect") == 0


def test_a_rate_is_from_the_first_start_to_the_last_end() -> None:
    rows = [
        Row(start=0, status=200, microseconds=600_000),
        Row(start=100_000, status=200, microseconds=400_000),
        Row(start=400_000, status=200, microseconds=100_000),
    ]

    assert rate_of(rows) == pytest.approx(3 / 0.6)
    assert rate_of([]) == 0


def test_answers_that_were_checked_are_taken() -> None:
    check_answers([Row(start=0, status=200, microseconds=1)], 215.6, 215)


@pytest.mark.parametrize(
    ("rows", "mean_bytes"),
    [
        ([], 0.0),
        ([Row(start=0, status=503, microseconds=1)], 215.0),
        ([Row(start=0, status=200, microseconds=1)], 100.0),
    ],
    ids=["none", "refused by HTTP", "refused by gRPC, without a body"],
)
def test_a_load_of_refusals_is_no_measurement(rows: list[Row], mean_bytes: float) -> None:
    with pytest.raises(WrongAnswers):
        check_answers(rows, mean_bytes, 215)


def test_calls_without_a_body_are_not_answered_and_those_reset_are_refused() -> None:
    rows = [
        *(Row(start=start * 1_000, status=200, microseconds=1_000) for start in range(8)),
        *(Row(start=start * 1_000, status=-1, microseconds=1_000) for start in range(8, 10)),
    ]

    pace = pace_of(rows, answers=6.0)

    assert (pace.made, pace.answered, pace.refused) == pytest.approx((1_000, 600, 200))
    with pytest.raises(WrongAnswers, match="8 calls brought the bytes of 9 answers"):
        pace_of(rows, answers=9.0)


def test_a_deadline_goes_with_the_headers() -> None:
    request = Request.grpc("127.0.0.1:1", "/s.S/M", b"", timeout=0.25)

    assert request.headers == ("grpc-timeout: 250000u",)


def test_a_request_of_grpc_has_the_length_before_the_message() -> None:
    request = Request.grpc("127.0.0.1:1", "/s.S/M", b"abc")

    assert request.url == "http://127.0.0.1:1/s.S/M"
    assert request.body == b"\0\0\0\0\3abc"


def test_without_h2load_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(H2loadMissing, match="apt-get install nghttp2-client"):
        check_installed()
