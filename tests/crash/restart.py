"""Opens databases that a power cut left, as a server would; a process of its own, driven by lines.

    python tests/crash/restart.py    (reads {"database": …, "rebuild": true} lines, answers one each)

A process of its own, because a damaged file may end it; one for many files, because loading takes a
second and opening a file a tenth of one.
"""

import json
import sys
import traceback
from pathlib import Path

import held

from otel_threads import on_file
from otel_threads.core.config import Config
from otel_threads.engine import Engine

DERIVE_S_MAX = 60.0


def restart(database: str, *, rebuild: bool) -> dict[str, object]:
    """Start the engine on a file, let it derive, stop it; return what the file then holds."""
    config = Config(database=database)
    engine = Engine(config)
    try:
        if not engine.deriver.wait(engine.writer.committed_sequence, DERIVE_S_MAX):
            return {"error": f"not derived within {DERIVE_S_MAX:g} s: {engine.deriver.failed}"}
    finally:
        engine.close()
    path = Path(database)
    found: dict[str, object] = {
        "stored": held.keys_of(path),
        "disagreements": held.disagreements(path),
    }
    if rebuild:
        before = held.derived_digests(path)
        on_file.rebuild_file(config, lambda done, total: None)
        after = held.derived_digests(path)
        found["changed"] = [table for table in before if before[table] != after[table]]
    return found


def main() -> None:
    """Answer each line until there are no more."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            found = restart(asked["database"], rebuild=asked["rebuild"])
        except Exception as error:  # noqa: BLE001  # any failure to open is what is looked for
            traceback.print_exc()
            found = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
