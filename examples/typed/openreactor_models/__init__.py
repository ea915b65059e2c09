"""Typed clients of models, generated from the schema files beside this folder."""

from openreactor_models.helios import HeliosModel
from openreactor_models.lingbot import LingBotModel

__all__ = ["HeliosModel", "LingBotModel"]
