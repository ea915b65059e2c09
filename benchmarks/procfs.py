"""CPU time, memory, threads and descriptors of processes: as ``reactor bench`` reads them."""

from typing import TYPE_CHECKING

from benchmarks.shared import of_bench

if TYPE_CHECKING:
    from reactor_cli.bench.procfs import children, cpu_seconds, descriptors, resident_mib, threads, tree
else:
    _module = of_bench("procfs")
    children, cpu_seconds, descriptors = _module.children, _module.cpu_seconds, _module.descriptors
    resident_mib, threads, tree = _module.resident_mib, _module.threads, _module.tree

__all__ = ["children", "cpu_seconds", "descriptors", "resident_mib", "threads", "tree"]
