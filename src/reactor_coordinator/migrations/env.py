"""Runs migrations on the connection that :mod:`reactor_coordinator.store.migrate` gives."""

from __future__ import annotations

from alembic import context

from reactor_coordinator.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
