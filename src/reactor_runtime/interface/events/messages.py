"""What a model says."""

from reactor_runtime.fields import MessageField, ModelMessage
from reactor_runtime.registries import MESSAGE_REGISTRY

__all__ = ["MESSAGE_REGISTRY", "MessageField", "ModelMessage"]
