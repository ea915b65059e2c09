"""The ``reactor`` command."""
