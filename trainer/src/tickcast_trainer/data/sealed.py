"""Parquet files that carry the digest of their rows, so that a file that was altered is noticed."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tickcast_modelkit.durable_files import remove_abandoned, replace_durably

from tickcast_trainer.data.errors import CorruptPartition

_DIGEST_KEY = b"tickcast.digest"
_ABANDONED_AFTER_SECONDS = 3_600.0


def content_digest(table: pa.Table) -> str:
    """Return the SHA-256 of a table's names, types and values, however it is chunked or encoded."""
    digest = hashlib.sha256()
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        digest.update(f"{name}:{column.type}:{len(column)}\n".encode())
        digest.update(np.asarray(column.is_valid()).tobytes())
        if pa.types.is_string(column.type):
            # Codes in the order of first appearance: the same for the same text, and quick to hash.
            encoded = column.fill_null("").dictionary_encode()
            digest.update("\0".join(encoded.dictionary.to_pylist()).encode())
            column = encoded.indices
        elif pa.types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        elif pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        digest.update(np.ascontiguousarray(column.fill_null(0).to_numpy()).tobytes())
    return digest.hexdigest()


def write_sealed(path: Path, table: pa.Table) -> str:
    """Put the table in the place of ``path``, whole or not at all, and return its digest.

    The same rows give the same bytes under one release of pyarrow.
    """
    digest = content_digest(table)
    sealed = table.combine_chunks().replace_schema_metadata({_DIGEST_KEY: digest.encode()})
    sink = pa.BufferOutputStream()
    pq.write_table(sealed, sink, compression="zstd", write_page_checksum=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent, older_than=_ABANDONED_AFTER_SECONDS)
    replace_durably(path, sink.getvalue().to_pybytes())
    return digest


def read_sealed(path: Path) -> tuple[pa.Table, str]:
    """Return the table and its digest. Raises CorruptPartition when they do not belong together."""
    try:
        # Not through a dataset, which would add the folders' names as columns.
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except FileNotFoundError:
        raise CorruptPartition(path, "missing") from None
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise CorruptPartition(path, f"unreadable ({error})") from error
    told = (table.schema.metadata or {}).get(_DIGEST_KEY, b"").decode()
    if told != content_digest(table):
        raise CorruptPartition(path, "of other rows than its digest tells")
    return table.replace_schema_metadata(None), told
