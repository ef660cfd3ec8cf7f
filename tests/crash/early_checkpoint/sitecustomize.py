"""Python imports this at its start, where its folder is on PYTHONPATH: checkpoints after kilobytes.

The server checkpoints once its WAL has 64 MiB. Rounds of a second would hardly ever meet one, so
this lowers the constant to `CRASH_WAL_BYTES_MAX` in whatever process loads `store.database`: the
server, a child that it forks, a command. Nothing else of the product changes.
"""

import importlib.abc
import importlib.machinery
import os
import sys
from types import ModuleType

MODULE = "otel_threads.database.database"
CONSTANT = "WAL_BYTES_MAX"


class _Lowering(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path=None, target=None):
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        found = importlib.machinery.PathFinder.find_spec(name, path)
        if found is not None and found.loader is not None:
            found.loader = _Loader(found.loader)
        return found


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        getattr(module, CONSTANT)  # a renamed constant must fail here, not change nothing
        setattr(module, CONSTANT, int(os.environ["CRASH_WAL_BYTES_MAX"]))


if "CRASH_WAL_BYTES_MAX" in os.environ:
    sys.meta_path.insert(0, _Lowering())
