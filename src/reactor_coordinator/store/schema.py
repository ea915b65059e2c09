"""The tables. Migrations (``reactor_coordinator.migrations``) lead to exactly these."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("max_sessions", Integer),
    Column("sessions_per_minute", Integer),
    Column("credit_s", Double),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("key_id", String(32), nullable=False),
    Column("token_id", String(32), nullable=False),
    Column("model", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("queued_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("max_duration_s", Double),
    Column("active_at", Double),
    Column("expires_at", Double),
    Column("warned_at", Double),
    Column("ended_at", Double),
    Column("reason", String(512)),
    # One session a worker, whatever two coordinators may believe.
    Column("worker_id", String(64), unique=True),
    Column("restarts", Integer, nullable=False),
    Column("placements", Integer, nullable=False),
    Index(None, "state"),
    Index(None, "key_id", "created_at"),
    Index(None, "token_id"),
    Index(None, "ended_at"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("pool", String(32), nullable=False),
    Column("model", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("host", String(255), nullable=False),
    Column("started_at", Double, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("port", Integer),
    Column("pid", Integer),
    Column("node", String(255)),
    # Not unique: one that has been moved is for a moment still being ended at the worker that it had.
    Column("session_id", String(36)),
    Column("draining", Boolean, nullable=False),
    Column("failure", Text),
    Column("idle_since", Double),
    Column("capabilities", JSON),
    Index(None, "state"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("session_id", String(36), nullable=False),
    Column("name", String(255), nullable=False),
    Column("mime_type", String(127), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("complete_at", Double),
    Index(None, "session_id"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Double, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pem", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)
