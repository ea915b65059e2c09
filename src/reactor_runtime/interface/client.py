"""Who is connected, as handlers are told."""

from reactor_runtime.fields import ClientInfo

__all__ = ["ClientInfo"]
