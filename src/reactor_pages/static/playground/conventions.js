/** What keys and gamepads do where a model's manifest says nothing: world models and drivable ones share their words. Pure. */

/** Words of directions, as choices have them. */
const WAYS = {
  forward: /^(go_|move_)?(forwards?|ahead)$/,
  back: /^(go_|move_)?(back|backwards?|reverse)$/,
  left: /^((strafe|move|turn|look|pan|go|yaw|rotate)_)?left$/,
  right: /^((strafe|move|turn|look|pan|go|yaw|rotate)_)?right$/,
  up: /^((look|tilt|move|go|pitch)_)?up$/,
  down: /^((look|tilt|move|go|pitch)_)?down$/,
};
const RESTING = /^(idle|none|neutral|stop|off|still)$/;
const LOOKING = /look|camera|view|turn|rotat|(^|_)pan($|_)|tilt|aim/;

const LETTERS = { forward: "w", back: "s", left: "a", right: "d" };
const ARROWS = { forward: "ArrowUp", back: "ArrowDown", left: "ArrowLeft", right: "ArrowRight", up: "ArrowUp", down: "ArrowDown" };
const HEIGHTS = { up: "e", down: "q" };
const CROSS = { forward: 12, back: 13, left: 14, right: 15, up: 12, down: 13 };

/** Commands that are sent once: a key, and a button of a gamepad where one is usual. */
const ONCE = { start: ["Enter", 9], pause: ["p", 8], resume: ["o"], reset: ["r", 3], stop: ["x"], jump: [" ", 0], interact: ["f", 2] };

/** Bounded numbers by their names: which keys and which part of a gamepad move them to which end. */
const NUMBERS = [
  [/^(steer|steering|steering_angle|turn|yaw)$/, { low: ["ArrowLeft", "a"], high: ["ArrowRight", "d"], pad: [{ axis: 0 }] }],
  [/^(gas|throttle|accelerate|accelerator|acceleration)$/, { low: ["ArrowDown", "s"], high: ["ArrowUp", "w"], pad: [{ button: 7 }] }],
  [/^(brake|brakes|braking)$/, { low: [], high: ["ArrowDown", "s"], pad: [{ button: 6 }] }],
  [/^(hand_?brake|boost|jump)$/, { low: [], high: [" "], pad: [{ button: 0 }] }],
];
const AXES = [
  [/(^|_)(x|lateral|sideways|strafe)$/, { low: ["a", "ArrowLeft"], high: ["d", "ArrowRight"], pad: [{ axis: 0 }] }],
  [/(^|_)(y|longitudinal|forward)$/, { low: ["s", "ArrowDown"], high: ["w", "ArrowUp"], pad: [{ axis: 1, invert: true }] }],
];
const DRIVING = /control|drive|steer|move|veloc|joystick|action/;

/**
 * The usual bindings of some commands, in the form of a manifest's `playground` section: {keys, gamepad}, each by command.
 * @param {import("./shapes.js").Command[]} commands
 */
export function conventionsOf(commands) {
  const found = { keys: {}, gamepad: {} };
  const taken = new Set();
  const choosing = commands.map((command) => ({ command, ways: waysOf(command) })).filter(({ ways }) => ways !== null);
  const looks = choosing.filter(({ command }) => LOOKING.test(command.name));
  const moves = choosing.filter(({ command }) => !LOOKING.test(command.name));
  const flat = moves.some(({ ways }) => "forward" in ways.by);
  for (const each of moves) choose(found, taken, each, { stick: 0, maps: looks.length > 0 ? [letters(flat)] : [letters(flat), arrows(flat)], cross: true });
  for (const each of looks) choose(found, taken, each, { stick: 2, maps: [ARROWS], cross: moves.length === 0 });
  for (const command of commands) drive(found, taken, command);
  for (const command of commands) once(found, taken, command);
  return found;
}

/** Where forward is a way, up and down are heights; else they are the ways of a flat world. */
const letters = (flat) => ({ ...LETTERS, ...(flat ? HEIGHTS : { up: "w", down: "s" }) });
const arrows = (flat) => (flat ? { ...ARROWS, up: "PageUp", down: "PageDown" } : ARROWS);

/** The one choice of a command that goes in directions and can rest: its field, and the choice of each direction. */
function waysOf({ fields }) {
  const [field, ...others] = fields.filter(({ shape }) => Array.isArray(shape.enum));
  if (!field || others.length > 0 || fields.some((each) => each !== field && each.required)) return null;
  const choices = field.shape.enum.filter((choice) => typeof choice === "string");
  if (!choices.some((choice) => RESTING.test(choice))) return null;
  const by = {};
  for (const [way, words] of Object.entries(WAYS)) {
    const choice = choices.find((each) => words.test(each));
    if (choice !== undefined) by[way] = choice;
  }
  return Object.keys(by).length > 0 ? { field: field.name, by } : null;
}

function choose(found, taken, { command, ways }, { stick, maps, cross }) {
  const keys = {};
  for (const map of maps) {
    for (const [way, choice] of Object.entries(ways.by)) take(taken, map[way], () => (keys[map[way]] = choice));
  }
  const { forward, back, left, right, up, down } = ways.by;
  const rods = [
    { axis: stick, negative: left, positive: right },
    { axis: stick + 1, negative: forward ?? up, positive: back ?? down },
  ].filter(({ negative, positive }) => negative !== undefined || positive !== undefined);
  const buttons = cross ? Object.entries(ways.by).filter(([way]) => !(forward && /up|down/.test(way))) : [];
  found.keys[command.name] = { [ways.field]: keys };
  found.gamepad[command.name] = { [ways.field]: [...rods, ...buttons.map(([way, value]) => ({ button: CROSS[way], value }))] };
}

/** Numbers with two ends, in a command of which nothing else has to be given. */
function drive(found, taken, { name, fields }) {
  const words = [...NUMBERS, ...(DRIVING.test(name) ? AXES : [])];
  const rows = fields.map((field) => [field, words.find(([word]) => word.test(field.name))?.[1]]);
  const bound = rows.filter(([field, row]) => row && hasEnds(field));
  const open = fields.some((field) => field.required && !bound.some(([each]) => each === field));
  // A single `set_throttle` is a setting, not a pedal.
  if (bound.length === 0 || open || (bound.length === 1 && !DRIVING.test(name))) return;
  const brakes = bound.some(([field]) => /^brak/.test(field.name));
  const keys = {};
  for (const [field, row] of bound) keys[field.name] = ends(taken, field, row, brakes);
  found.keys[name] = keys;
  found.gamepad[name] = Object.fromEntries(bound.map(([field, row]) => [field.name, row.pad]));
}

const hasEnds = ({ shape }) => shape.minimum < shape.maximum && !shape.enum;

function ends(taken, { shape, initial }, { low, high }, brakes) {
  const keys = {};
  const rest = initial ?? 0;
  for (const key of high) take(taken, key, () => (keys[key] = shape.maximum));
  const backwards = shape.minimum < rest && !(brakes && low.includes("ArrowDown"));
  for (const key of backwards ? low : []) take(taken, key, () => (keys[key] = shape.minimum));
  return keys;
}

function once(found, taken, { name, fields }) {
  const usual = Object.hasOwn(ONCE, name) ? ONCE[name] : null;
  if (usual === null || fields.some(({ required }) => required)) return;
  const [key, button] = usual;
  take(taken, key, () => (found.keys[name] = [key]));
  if (button !== undefined) found.gamepad[name] = [button];
}

/** Does something with a key that nothing else has. */
function take(taken, key, act) {
  if (key === undefined || taken.has(key)) return;
  taken.add(key);
  act();
}
