"""Texts that are picked out of a column are those that Arrow's own `take` gives."""

import random

import numpy as np
import pyarrow as pa
import pytest

from otel_threads.decode.picked import LENGTH_MIN, picked, picked_of


@pytest.mark.parametrize("length", [0, 1, LENGTH_MIN - 1, LENGTH_MIN, 5000])
def test_as_arrow_takes_them(length):
    dice = random.Random(length)
    texts = pa.array([dice.choice(["é🙂", "a", ""]) * dice.randint(0, length) for _ in range(60)])
    for column in (texts, texts.slice(7, 40), pa.array([""] * 9), pa.array(["ab", None] * 9)):
        valid = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        for count in (0, 1, len(valid)):
            rows = np.array(sorted(dice.sample(valid.tolist(), count)), dtype=np.int64)
            taken = column.take(pa.array(rows))
            assert picked(column, rows).equals(taken)
            chunks = pa.chunked_array([column.slice(0, 3), column.slice(3, 0), column.slice(3)])
            assert picked_of(chunks, rows).combine_chunks().equals(taken)
