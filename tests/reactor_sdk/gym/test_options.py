"""What an environment may be told, and what an installation without Gymnasium says."""

import subprocess
import sys
from typing import Any

import pytest

from reactor_protocol.errors import InvalidArgumentError, UnknownOptionError
from reactor_sdk.gym.options import Acting, EnvOptions, Place, Seeing, settings_of


def test_options_are_sorted_to_where_they_belong() -> None:
    settings = settings_of("digits", {"local": True, "url": "http://127.0.0.1:1", "action_command": "show", "step_timeout": 3})
    assert settings.place == Place("digits", local=True, url="http://127.0.0.1:1")
    assert settings.acting == Acting(action_command="show")
    assert settings.seeing == Seeing(step_timeout=3)


def test_every_option_has_its_place() -> None:
    everything: Any = dict.fromkeys(EnvOptions.__annotations__)
    everything.update(connect_timeout=1.0, step_timeout=1.0)
    settings_of("digits", everything)
    told = {name for kind in (Place, Acting, Seeing) for name in kind.__dataclass_fields__}
    assert told - {"model_name"} == set(EnvOptions.__annotations__)


def test_a_key_is_shown_nowhere() -> None:
    def key() -> str:
        return "rk_secret"

    assert "rk_secret" not in repr(settings_of("digits", {"api_key": key, "jwt": key}))


@pytest.mark.parametrize("name", ["api_key", "jwt"])
def test_a_key_as_text_is_refused_before_anything_that_is_told_with_all_arguments(name: str) -> None:
    given: Any = {name: "rk_secret", "frameskip": 4}
    with pytest.raises(InvalidArgumentError, match=f"{name}= is a function that returns it") as caught:
        settings_of("digits", given)
    assert "rk_secret" not in str(caught.value)
    assert not isinstance(caught.value, TypeError), "gymnasium.make repeats all arguments in a TypeError"


def test_an_option_that_there_is_not_is_told_as_python_does() -> None:
    given: Any = {"frameskip": 4}
    with pytest.raises(UnknownOptionError, match="an unexpected keyword argument 'frameskip'; the options are local") as caught:
        settings_of("digits", given)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("shape", [(64, 96), [64, 96], (64, 96, 3)])
def test_the_shape_of_observations_may_have_its_channels(shape: Any) -> None:
    assert settings_of("digits", {"observation_shape": shape}).seeing.observation_shape == (64, 96)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"action_comand": "show"}, "got an unexpected keyword argument 'action_comand'; the options are local, url"),
        ({"observation_shape": (64,)}, "observation_shape is"),
        ({"observation_shape": (64, 96, 1)}, "observation_shape is"),
        ({"observation_shape": (64, 10_000)}, "observation_shape is"),
        ({"observation_shape": (64.0, 96)}, "observation_shape is"),
        ({"step_timeout": 0}, "step_timeout is a number of seconds"),
        ({"step_timeout": float("nan")}, "step_timeout is a number of seconds"),
        ({"connect_timeout": "5"}, "connect_timeout is a number of seconds"),
        ({"action_space": object()}, "pass both"),
    ],
)
def test_what_makes_no_sense_is_refused(options: Any, told: str) -> None:
    with pytest.raises(InvalidArgumentError, match=told.replace("(", r"\(")):
        settings_of("digits", options)


def test_a_model_is_named_by_text() -> None:
    with pytest.raises(InvalidArgumentError, match="a model is named by text"):
        settings_of("", {})


_WITHOUT = """
import sys
import reactor_sdk
assert not [name for name in sys.modules if name.startswith("gymnasium")]
sys.meta_path.insert(0, type("Blocked", (), {"find_spec": staticmethod(block)}))
try:
    import reactor_sdk.gym
except reactor_sdk.MissingExtraError as error:
    print(error)
"""
_BLOCK = """
def block(name, path=None, target=None):
    if name == "gymnasium":
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
"""


def test_the_client_does_without_gymnasium_and_says_what_is_missing() -> None:
    done = subprocess.run([sys.executable, "-c", _BLOCK + _WITHOUT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (
        "reactor_sdk.gym needs the package gymnasium: pip install 'openreactor[gym]'\n",
        "",
    )
