"""A tour of the playground in Chromium: every kind of control is used, and its effect is seen in the picture or the log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.end_to_end.tour import DESKTOP, PHONE, Tour, touring
from tests.interop.servers import Server

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

MODEL = "panel"
SQUARES = ("level", "mode", "scene", "mirror", "tint", "title", "prompt", "points", "image", "steer", "gas", "camera")
ORANGE = (220, 120, 40)
RULES = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture(autouse=True)
def at_the_server() -> None:
    """The page stays connected from one test to the next: nobody waits for the session to end."""


@pytest.fixture(scope="module")
def tour(server: Server) -> Iterator[Tour]:
    with touring(server.url, SQUARES) as tour:
        yield tour


def test_the_first_drag_of_a_slider_goes_all_the_way(tour: Tour) -> None:
    slider = tour.command("set_level").get_by_role("slider", name="Level")
    slider.scroll_into_view_if_needed()
    place = slider.bounding_box()
    assert place is not None
    mouse, y = tour.page.mouse, place["y"] + place["height"] / 2
    mouse.move(place["x"] + 8, y)
    mouse.down()
    mouse.move(place["x"] + place["width"] / 2, y, steps=5)
    expect(tour.result("set_level")).to_contain_text("✓")
    tour.sees("level", 128)
    mouse.move(place["x"] + place["width"] - 1, y, steps=5)
    mouse.up()
    mouse.move(0, 0)
    expect(slider).to_have_value("255")
    tour.sees("level", 255)


def test_a_slider_follows_the_model_after_it_was_moved_by_hand(tour: Tour) -> None:
    slider = tour.command("set_level").get_by_role("slider", name="Level")
    slider.press("ArrowLeft")
    tour.sees("level", 254)
    tour.page.keyboard.press("r")
    expect(slider).to_have_value("0")
    expect(slider).to_be_focused()
    exact = tour.command("set_level").get_by_role("spinbutton", name="Level")
    exact.fill("70")
    tour.page.locator("#keys").get_by_role("button", name="Reset").click()
    expect(tour.logged("message", "state")).to_have_count(2)
    expect(exact).to_have_value("70")
    exact.press("Enter")
    tour.sees("level", 70)
    tour.page.locator("#log").get_by_role("button", name="Clear").click()


def test_a_slider_sends_while_it_is_moved_and_takes_an_exact_number(tour: Tour) -> None:
    slider = tour.command("set_level").get_by_role("slider", name="Level")
    slider.fill("200")
    tour.sees("level", 200)
    expect(tour.result("set_level")).to_contain_text("✓")
    slider.press("ArrowRight")
    exact = tour.command("set_level").get_by_role("spinbutton", name="Level")
    expect(exact).to_have_value("201")
    exact.fill("300")
    exact.press("Enter")
    expect(tour.command("set_level")).to_contain_text("At most 255.")
    assert tour.logged("sent", "300").count() == 0
    exact.fill("60")
    exact.press("Enter")
    tour.sees("level", 60)


def test_pickers_a_switch_and_a_colour(tour: Tour) -> None:
    tour.command("set_mode").get_by_role("radio", name="bright").check()
    tour.sees("mode", 220)
    tour.command("set_scene").get_by_role("combobox", name="Scene").select_option("harbour")
    tour.sees("scene", 160)
    switch = tour.command("set_mirror").get_by_role("switch", name="Mirror")
    switch.check()
    tour.sees("mirror", 220)
    switch.uncheck()
    tour.sees("mirror", 0)
    tour.command("set_tint").get_by_label("Pick Tint").fill("#dc7828")
    tour.sees("tint", ORANGE)
    expect(tour.command("set_tint").get_by_role("textbox", name="Tint", exact=True)).to_have_value("#dc7828")


def test_texts_and_json_are_checked_before_they_are_sent(tour: Tour) -> None:
    title = tour.command("set_title").get_by_role("textbox", name="Title")
    title.fill("x")
    tour.send("set_title")
    expect(tour.command("set_title").get_by_role("alert")).to_have_text("At least 2 characters.")
    expect(title).to_have_attribute("aria-invalid", "true")
    expect(title).to_be_focused()
    title.fill("a title")
    title.press("Enter")
    tour.sees("title", 140)
    prompt = tour.command("set_prompt").locator("textarea")
    prompt.fill("a lighthouse")
    prompt.press("Control+Enter")
    tour.sees("prompt", 120)
    points = tour.command("set_points").get_by_role("textbox", name="Points")
    for text, problem in (
        ("[1,", "This is no JSON"),
        ('[1, "2"]', "Entry 2: This has to be a whole number."),
        ("", "This is needed."),
    ):
        points.fill(text)
        tour.send("set_points")
        expect(tour.command("set_points").get_by_role("alert")).to_contain_text(problem)
    points.fill("[100, 40, 7]")
    tour.send("set_points")
    tour.sees("points", 147)
    expect(tour.command("set_points").locator(".problem")).to_be_empty()


def test_a_file_is_dropped_or_chosen(tour: Tour, tmp_path: Path) -> None:
    form = tour.command("set_image")
    tour.send("set_image")
    expect(form.get_by_role("alert")).to_have_text("This is needed.")
    (tmp_path / "orange.rgb").write_bytes(bytes(ORANGE) * 4096)
    form.locator("input[type=file]").set_input_files(tmp_path / "orange.rgb")
    expect(form.locator(".file-state")).to_contain_text("orange.rgb · 12.0 KiB")
    expect(form.locator(".drop")).to_have_attribute("data-state", "ready")
    tour.send("set_image")
    tour.sees("image", ORANGE)
    script = "() => { const held = new DataTransfer(); held.items.add(new File(['grey'], 'note.txt')); return held; }"
    form.locator(".drop").dispatch_event("drop", {"dataTransfer": tour.page.evaluate_handle(script)})
    expect(form.locator(".file-state")).to_contain_text("note.txt · 4 B ✓")


def test_replies_messages_and_refusals_are_shown(tour: Tour) -> None:
    tune = tour.command("tune")
    tune.get_by_label("Gain").fill("2.5")
    tune.get_by_role("slider", name="Offset").fill("-3")
    assert tour.logged("sent", "offset").count() == 0, "a command of several fields waits for its button"
    note = tune.get_by_role("textbox", name="Note")
    note.fill("loud")
    tour.send("tune")
    expect(tour.result("tune")).to_have_text("✓ gain 2.5 · offset -3 · note loud")
    tune.get_by_role("button", name="Clear Note").click()
    tour.send("tune")
    expect(tour.result("tune")).to_have_text("✓ gain 2.5 · offset -3 · note nothing")
    tour.command("shout").get_by_role("button", name="Shout", exact=True).click()
    expect(tour.logged("message", "shouted")).to_contain_text("hello, everybody")
    tour.command("break_down").get_by_role("button").click()
    told = tour.page.locator('.command-buttons .result[data-state="failed"]')
    expect(told).to_have_text("Break down too_hot: the lamp is too hot: wait a minute")


def test_help_is_shown_on_demand(tour: Tour) -> None:
    sign = tour.command("tune").get_by_role("button", name="About Offset")
    tip = tour.page.get_by_role("tooltip", name="Where it begins.")
    expect(tip).to_be_hidden()
    sign.focus()
    sign.press("Enter")
    expect(tip).to_be_visible()
    sign.press("Escape")
    expect(tip).to_be_hidden()
    expect(tour.command("tune").get_by_role("slider", name="Offset")).to_have_accessible_description("Where it begins.")


REFLECT = """async () => {
  const { buildControls } = await import("/playground/controls.js");
  const field = (shape) => ({ content: { "application/json": { schema: { type: "object", properties: shape } } } });
  const path = (name, shape) => [`/events/${name}`, { post: { operationId: name, requestBody: field(shape) } }];
  const strength = { type: "number", minimum: 0, maximum: 1 };
  const paths = Object.fromEntries([
    path("set_strength", { strength }),
    path("set_effect", { effect: { type: "string", enum: ["none", "noir", "sepia", "comic", "vhs", "neon"] } }),
    path("set_caption", { caption: { type: "string", maxLength: 80 } }),
    path("move", { strength }),
  ]);
  const root = document.createElement("div");
  const controls = buildControls(root, { openapi: "3.1.0", paths }, { send: async () => null, upload: async () => ({}) });
  const shown = () => {
    const exact = [...root.querySelectorAll(".exact")].map((each) => each.value);
    return [...exact, root.querySelector("select").selectedOptions[0].textContent, root.querySelector("[type=text]").value];
  };
  controls.reflect({ strength: 0.25, effect: "noir", caption: "hello" });
  const told = shown();
  const caption = root.querySelector("[type=text]");
  caption.value = "mine";
  caption.dispatchEvent(new Event("input", { bubbles: true }));
  controls.reflect({ strength: 7, effect: "none", caption: "theirs", more: 1 });
  return [told, shown()];
}"""


def test_forms_show_what_the_model_says_and_keep_what_is_being_typed(tour: Tour) -> None:
    told, later = tour.page.evaluate(REFLECT)
    assert told == ["0.25", "", "noir", "hello"], "`move` is no command that sets its field"
    assert later == ["0.25", "", "none", "mine"], "7 is no strength"


def test_keys_hold_and_let_go(tour: Tour) -> None:
    keyboard = tour.page.keyboard
    tour.page.evaluate("document.activeElement.blur()")
    keyboard.down("ArrowRight")
    keyboard.down("w")
    tour.sees("steer", 255)
    tour.sees("gas", 255)
    keyboard.down("ArrowLeft")
    tour.sees("steer", 1)
    keyboard.up("ArrowLeft")
    tour.sees("steer", 255)
    tour.page.evaluate("window.dispatchEvent(new Event('blur'))")
    tour.sees("steer", 128)
    tour.sees("gas", 0)
    keyboard.up("ArrowRight")
    keyboard.up("w")
    title = tour.command("set_title").get_by_role("textbox", name="Title")
    title.press("r")
    assert tour.logged("sent", "reset").count() == 0, "somebody is typing"
    pad = tour.page.locator("#keys").get_by_role("button", name="Steer: -1")
    pad.dispatch_event("pointerdown", {"button": 0, "pointerId": 1})
    tour.sees("steer", 1)
    pad.dispatch_event("pointerup", {"pointerId": 1})
    tour.sees("steer", 128)


def test_the_keys_come_first_and_are_told_on_the_picture_until_one_is_used(server: Server, tour: Tour) -> None:
    page = tour.another(server.url, viewport={"width": 1366, "height": 768})
    assert page.locator("#keys").evaluate("(each) => each.getBoundingClientRect().bottom <= innerHeight && scrollY === 0")
    hint = page.locator(".frame .key-hint")
    expect(hint).to_have_text("←→ steerW gasR reset")
    expect(page.locator(".touch-pad")).to_be_hidden()
    page.keyboard.press("w")
    expect(hint).to_have_count(0)
    page.context.close()


def test_thumbs_on_the_picture_steer_and_drive(server: Server, tour: Tour) -> None:
    page = tour.another(server.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.locator(".key-hint")).to_be_hidden()
    middle = "(each) => { const { x, y, width, height } = each.getBoundingClientRect(); return [x + width / 2, y + height / 2]; }"
    left, right, up = (page.locator(f".touch-{way}").evaluate(middle) for way in ("left", "right", "up"))
    assert left[0] < right[0] < 195 < up[0] < 390, "one hand steers, the other one drives"
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *points: list[float]) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", right)
    touch("touchStart", right, up)
    tour.sees("steer", 255)
    tour.sees("gas", 255)
    expect(page.locator(".touch-up")).to_have_attribute("data-held", "")
    touch("touchMove", left, up)
    tour.sees("steer", 1)
    touch("touchEnd")
    tour.sees("steer", 128)
    tour.sees("gas", 0)
    page.locator(".touch-chip").tap()
    expect(page.locator("#log .log-sent", has_text="reset")).to_have_count(1)
    page.context.close()


def test_a_gamepad_steers_and_presses(tour: Tour) -> None:
    tour.page.evaluate("document.activeElement.blur()")
    tour.pad([0.1, 0], {7: 1.0})
    tour.sees("gas", 255)
    tour.sees("steer", 128)
    tour.pad([-1.0, 0], {})
    tour.sees("steer", 1)
    tour.sees("gas", 0)
    tour.pad([0, 0], {9: 1.0})
    expect(tour.logged("sent", "reset")).to_have_count(1)
    tour.sees("level", 0)


def test_a_sample_is_sent_as_the_camera(tour: Tour) -> None:
    chosen = tour.page.locator('#inputs [data-track="camera"]').get_by_role("button", name="bigbuckbunny.mp4")
    chosen.click()
    expect(chosen).to_have_attribute("aria-pressed", "true")
    tour.page.wait_for_function("() => Math.max(...window.squareOf(11)) > 40")
    nothing = tour.page.locator('#inputs [data-track="camera"]').get_by_role("button", name="Nothing")
    nothing.click()
    expect(nothing).to_have_attribute("aria-pressed", "true")


LINGBOT = {
    "set_movement": ["idle", "forward", "back", "strafe_left", "strafe_right"],
    "set_look_horizontal": ["idle", "left", "right"],
    "set_look_vertical": ["idle", "up", "down"],
}
LINGBOT_WORLD_2 = {
    "set_move_longitudinal": ["idle", "forward", "back"],
    "set_move_lateral": ["idle", "strafe_left", "strafe_right"],
    "set_look_horizontal": ["idle", "left", "right"],
}


def commands(**properties: Any) -> dict[str, Any]:
    """The part of a schema document that says of commands which fields they have."""

    def operation(fields: dict[str, Any]) -> dict[str, Any]:
        body = {"type": "object", "properties": fields, "required": [name for name in fields if "default" not in fields[name]]}
        return {"post": {"requestBody": {"content": {"application/json": {"schema": body}}}}}

    return {"paths": {f"/events/{name}": operation(fields) for name, fields in properties.items()}}


def choosing(models: dict[str, list[str]]) -> dict[str, Any]:
    """Commands of one choice each, whose field is called as the command is."""
    return commands(**{name: {name.removeprefix("set_"): {"type": "string", "enum": words}} for name, words in models.items()})


PLAY = """({ bindingsOf, atRest, reduce }, [schema, inputs]) => {
  const bindings = bindingsOf(schema);
  let state = atRest();
  return inputs.map((input) => {
    const next = reduce(bindings, state, input);
    state = next.state;
    return next.send.map(({ name, data }) => [name, data]);
  });
}"""


def played(tour: Tour, schema: dict[str, Any], *inputs: dict[str, Any]) -> Any:
    """The commands that each input sends."""
    return tour.module(PLAY, [schema, list(inputs)])


def test_world_models_are_walked_through_without_being_told_how(tour: Tour) -> None:
    lingbot = choosing(LINGBOT)
    lingbot["paths"] |= commands(start={}, pause={}, resume={}, reset={})["paths"]
    down, up = ({"down": key} for key in ("w", "a")), ({"up": key} for key in ("a", "w"))
    assert played(tour, lingbot, *down, *up) == [
        [["set_movement", {"movement": "forward"}]],
        [["set_movement", {"movement": "strafe_left"}]],
        [["set_movement", {"movement": "forward"}]],
        [["set_movement", {"movement": "idle"}]],
    ]
    assert played(tour, lingbot, {"down": "ArrowLeft"}, {"down": "ArrowUp"}, {"down": "r"}, {"release": True}) == [
        [["set_look_horizontal", {"look_horizontal": "left"}]],
        [["set_look_vertical", {"look_vertical": "up"}]],
        [["reset", {}]],
        [["set_look_horizontal", {"look_horizontal": "idle"}], ["set_look_vertical", {"look_vertical": "idle"}]],
    ]
    world2 = choosing(LINGBOT_WORLD_2)
    assert played(tour, world2, {"down": "s"}, {"down": "d"}, {"axes": [0, 0, 0.9], "buttons": []}) == [
        [["set_move_longitudinal", {"move_longitudinal": "back"}]],
        [["set_move_lateral", {"move_lateral": "strafe_right"}]],
        [["set_look_horizontal", {"look_horizontal": "right"}]],
    ]
    assert played(tour, world2, {"axes": [0.1, -0.8], "buttons": []}, {"axes": [0.1, -0.2], "buttons": []}) == [
        [["set_move_longitudinal", {"move_longitudinal": "forward"}]],
        [["set_move_longitudinal", {"move_longitudinal": "idle"}]],
    ]


def test_cars_are_driven_without_being_told_how(tour: Tour) -> None:
    number = {"type": "number", "default": 0, "minimum": 0, "maximum": 1}
    car = commands(set_controls={"steer": {**number, "minimum": -1}, "gas": number, "brake": number})
    keys: list[dict[str, Any]] = [{"down": "ArrowLeft"}, {"down": "w"}, {"down": "w"}, {"release": True}]
    assert played(tour, car, *keys, {"axes": [0.15], "buttons": []}, {"axes": [1], "buttons": [0] * 6 + [1, 0.575]}) == [
        [["set_controls", {"steer": -1, "gas": 0, "brake": 0}]],
        [["set_controls", {"steer": -1, "gas": 1, "brake": 0}]],
        [],
        [["set_controls", {"steer": 0, "gas": 0, "brake": 0}]],
        [],
        [["set_controls", {"steer": 1, "gas": 0.5, "brake": 1}]],
    ]
    told = {"playground": {"keys": {"set_controls": {"gas": {"Space": 0.5}}}}}
    assert played(tour, {**car, "x-reactor": told}, {"down": "w"}, {"down": "Space"}) == [
        [],
        [["set_controls", {"gas": 0.5, "steer": 0, "brake": 0}]],
    ]
    assert played(tour, choosing({"set_style": ["plain", "forward"]}), {"down": "w"}) == [[]], "nothing to go back to"


def test_nothing_is_out_of_reach_of_the_keyboard(tour: Tour) -> None:
    tour.page.evaluate("() => { window.reached = new Set(); document.querySelector('button').focus(); }")
    mark = "() => (window.reached.add(document.activeElement), document.activeElement === document.body)"
    for _ in range(150):
        tour.page.keyboard.press("Tab")
        if tour.page.evaluate(mark):
            break
    missed = tour.page.evaluate(
        """() => [...document.querySelectorAll("main :is(button, input, select, textarea, a[href])")]
          .filter((each) => !each.disabled && each.tabIndex >= 0 && each.checkVisibility() && !window.reached.has(each))
          .filter((each) => each.type !== "radio" || each.checked)
          .map((each) => each.outerHTML.slice(0, 120))"""
    )
    assert missed == []


@pytest.mark.parametrize(("scheme", "viewport"), [("light", DESKTOP), ("dark", PHONE)])
def test_it_can_be_read_by_everybody(tour: Tour, tmp_path: Path, scheme: Any, viewport: Any) -> None:
    tour.page.emulate_media(color_scheme=scheme)
    tour.page.set_viewport_size(viewport)
    assert tour.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], "it is not wider than the screen"
    assert tour.picture(tmp_path / f"{scheme}-{viewport['width']}.png").stat().st_size > 10_000
    found = Axe().run(tour.page, options=RULES).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:4]) for each in serious] == []


def test_the_page_had_nothing_to_complain_of(tour: Tour) -> None:
    assert tour.faults == []
