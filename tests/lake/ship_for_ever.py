"""Writes, derives, deletes and ships until it is killed: FOLDER CATALOG DATA."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent)]

from builders import a_chat  # noqa: E402
from stores import Store  # noqa: E402

from otel_threads.lake.connection import place  # noqa: E402
from otel_threads.lake.shipper import Shipper  # noqa: E402
from otel_threads.store import outbox  # noqa: E402

folder, catalog, data = sys.argv[1:]
store = Store(folder)
outbox.begin(store.database)
shipper = Shipper(store.database, place(catalog, data))
count = store.writer.committed_sequence
while True:
    for _ in range(3):
        count += 1
        store.write(
            [a_chat(f"t{(count + j) % 11}", f"question {count}" * 50, "ok") for j in range(20)]
        )
    if count % 4 == 0:
        store.deletion.threads("default", [f"t{count % 11}"])
    shipper.ship()
    print("shipped", count, flush=True)
