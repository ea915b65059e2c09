"""The widget's module and style sheet, as they are put together."""

from __future__ import annotations

import pytest

from reactor_sdk.notebook import assets


def test_the_module_asks_for_no_other() -> None:
    lines = assets.esm().splitlines()
    assert [line for line in lines if line.startswith(("import ", "export "))] == ["export default { render };"]


def test_every_rule_stands_inside_the_widget() -> None:
    css = assets.css()
    assert css.startswith(".reactor-widget {")
    assert ":root" not in css
    assert "prefers-color-scheme" not in css
    assert "&.dark {\n    --bg:" in css


def test_a_module_that_cannot_be_taken_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_page", lambda *path: 'import all from "./other.js";\n')
    with pytest.raises(ValueError, match="cannot take in"):
        assets._enclose("controls", {})
