"""Pools: where workers run. One small port (``port``), two adapters: processes on this machine, actors of a Ray cluster."""
