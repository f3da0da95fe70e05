"""The data room: bars as received, reconciled, and as rows to learn from, in Parquet."""
