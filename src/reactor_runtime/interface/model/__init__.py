"""The contract of a model class and the document that it is told by."""

from reactor_runtime.interface.model.contract import CommandSpec, ContractError, LifecycleHooks, ModelContract
from reactor_runtime.interface.model.schema import CommandSchema, MessageSchema, ModelSchema, TrackSchema
from reactor_runtime.model import ReactorModel

__all__ = [
    "CommandSchema",
    "CommandSpec",
    "ContractError",
    "LifecycleHooks",
    "MessageSchema",
    "ModelContract",
    "ModelSchema",
    "ReactorModel",
    "TrackSchema",
]
