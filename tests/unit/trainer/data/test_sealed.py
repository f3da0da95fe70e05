"""Sealed files: the same rows are the same bytes, and whatever was altered is noticed."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_trainer.data.errors import CorruptPartition
from tickcast_trainer.data.instants import to_column
from tickcast_trainer.data.sealed import content_digest, read_sealed, write_sealed


def table(count: int = 500) -> pa.Table:
    return pa.table(
        {
            "time": to_column(np.arange(count)),
            "price": np.linspace(1.0, 2.0, count),
            "source": pa.array(["a", "b"] * (count // 2), pa.string()),
            "adjusted": pa.array([None, 1.5] * (count // 2), pa.float64()),
            "flag": np.arange(count) % 3 == 0,
        }
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    digest = write_sealed(tmp_path / "below" / "bars.parquet", table())
    read, told = read_sealed(tmp_path / "below" / "bars.parquet")
    assert read.equals(table())
    assert told == digest == content_digest(table())


def test_the_same_rows_are_the_same_bytes_however_they_are_chunked(tmp_path: Path) -> None:
    write_sealed(tmp_path / "one", table())
    write_sealed(tmp_path / "two", pa.concat_tables([table().slice(0, 7), table().slice(7)]))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("column", "value"), [("price", 9.0), ("source", "c"), ("adjusted", None), ("flag", False)]
)
def test_another_value_is_another_digest(column: str, value: object) -> None:
    rows = table(4).to_pylist()
    rows[3][column] = value
    assert content_digest(pa.Table.from_pylist(rows, table().schema)) != content_digest(table(4))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_with_any_byte_altered_never_passes_for_other_rows(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("sealed") / "bars.parquet"
    write_sealed(path, table())
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        read, _ = read_sealed(path)
    except CorruptPartition:
        return
    # A byte that no reader looks at, such as the name of the program that wrote it.
    assert read.equals(table())


def test_a_name_that_is_no_text_any_more_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    write_sealed(path, table())
    content = bytearray(path.read_bytes())
    start = 0
    while (start := content.find(b"price", start)) >= 0:
        content[start] = 0xE1
    path.write_bytes(content)
    with pytest.raises(CorruptPartition):
        read_sealed(path)


def test_other_rows_under_the_old_digest_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    write_sealed(path, table())
    metadata = pq.read_schema(path).metadata
    pq.write_table(table(498).replace_schema_metadata(metadata), path)
    with pytest.raises(CorruptPartition, match="of other rows than its digest tells"):
        read_sealed(path)


@pytest.mark.parametrize("kept", [0, 3, 100, -1])
def test_a_file_cut_short_is_named(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "bars.parquet"
    write_sealed(path, table())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CorruptPartition, match=r"bars\.parquet: was unreadable"):
        read_sealed(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptPartition, match="missing"):
        read_sealed(tmp_path / "bars.parquet")
