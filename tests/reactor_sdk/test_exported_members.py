"""The public names of the client."""

from __future__ import annotations

from importlib.metadata import version
from types import ModuleType

import reactor_sdk

OF_0_8 = {
    "Reactor",
    "fetch_jwt_token",
    "FileRef",
    "ReactorStatus",
    "ReactorError",
    "ReactorState",
    "ReactorEvent",
    "MessageScope",
    "FrameCallback",
    "TrackCapability",
    "TrackKind",
    "Capabilities",
    "CommandCapability",
    "ConnectionTimings",
    "ConflictError",
    "ControlRequestError",
    "PUBLISHER_SLOT_TAKEN",
    "VersionMismatchError",
    "__version__",
}


def test_all_lists_every_public_name_and_no_other() -> None:
    present = {
        name for name, value in vars(reactor_sdk).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert present | {"__version__"} == set(reactor_sdk.__all__)


def test_all_names_everything_once() -> None:
    assert len(set(reactor_sdk.__all__)) == len(reactor_sdk.__all__)


def test_the_names_of_0_8_are_there() -> None:
    assert set(reactor_sdk.__all__) >= OF_0_8


def test_version_is_that_of_the_distribution() -> None:
    assert reactor_sdk.__version__ == version("openreactor")


def test_every_exception_is_a_runtime_error() -> None:
    exceptions = [getattr(reactor_sdk, name) for name in reactor_sdk.__all__]
    classes = [each for each in exceptions if isinstance(each, type) and issubclass(each, Exception)]
    assert len(classes) > 25
    assert all(issubclass(each, RuntimeError) for each in classes)
    assert not issubclass(reactor_sdk.ReactorError, Exception)  # what the error event carries is a value
