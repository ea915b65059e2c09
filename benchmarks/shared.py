"""Modules of the product that the benchmarks share, read from their files.

Viewers run in the environments of the published packages, where nothing of this repository may be on the path but ``benchmarks``.
"""

import importlib.util
import sys
from types import ModuleType

from benchmarks.environment import ROOT


def of_bench(name: str) -> ModuleType:
    """A module of ``reactor_cli.bench`` that needs nothing of the product."""
    known = sys.modules.get(f"benchmarks.shared.{name}")
    if known is not None:
        return known
    file = ROOT / "src" / "reactor_cli" / "bench" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmarks.shared.{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module
