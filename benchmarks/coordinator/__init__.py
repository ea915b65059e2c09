"""What the coordinator costs: requests, waiting clients, workers that become free, reports; beside the targets.

``python -m benchmarks.coordinator``; ``--quick`` is small. It measures and judges nothing: a large number is a figure, not a
failure. Every run is added to ``out/coordinator.json``.

The coordinator is a process of its own (``house``, or the real ``reactor coordinator`` where a model is served), and so are the
load generator (``load``), the workers without a model (``crowd``), and PostgreSQL.

============  ========================================================================================================
``figures``   the rows of the table: title, unit, target
``legs``      what is measured, leg by leg, and how a figure comes out of its samples
``stage``     the processes of one leg, and their folder
``house``     the coordinator process: the real one, over a pool whose workers live elsewhere
``crowd``     the process of the workers without a model
``load``      the load generator: ``create``, ``freed``, ``waiting``, ``connect`` and ``idle`` are its parts
``wire``      a lean HTTP client, so that the load generator leaves the coordinator its core
============  ========================================================================================================
"""
