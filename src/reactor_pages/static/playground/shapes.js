/**
 * What a schema document says of commands and their fields, and whether a value fits. Pure: no page is needed.
 *
 * @typedef {{name: string, kind: string, help: string, shape: object, required: boolean, nullable: boolean, initial: any}} Field
 * @typedef {{name: string, summary: string, fields: Field[], reply: string|null}} Command
 */

const LONG_TEXT = 100;
const MOST_SEGMENTS = 4;
const SEGMENT_CHARACTERS = 30;
/** A slider has places for no more whole numbers than this. */
const FINEST_SLIDER = 10000;
const PROSE = /prompt|script|text|message|instruction|description/;
const COLOUR = /(^|_)colou?r$/;
const WORDS = { integer: "a whole number", number: "a number", string: "a text", boolean: "true or false", array: "a list", object: "an object", null: "null" };

/** The commands of a document, in its order. @returns {Command[]} */
export function commandsOf(schema) {
  return Object.entries(schema?.paths ?? {}).map(([path, item]) => {
    const post = item?.post ?? {};
    const name = path.replace(/^\/events\//, "");
    const body = post.requestBody?.content?.["application/json"]?.schema ?? {};
    const required = new Set(body.required ?? []);
    const fields = Object.entries(body.properties ?? {}).map(([field, shape]) => fieldOf(schema, field, shape, required.has(field)));
    const reply = post.responses?.["200"]?.content?.["application/json"]?.schema?.$ref?.split("/").pop() ?? null;
    return { name, summary: post.summary === `Trigger ${name}` ? "" : (post.summary ?? ""), fields, reply };
  });
}

function fieldOf(schema, name, given, required) {
  const parts = (given.anyOf ?? [given]).map((part) => resolved(schema, part));
  const real = parts.filter((part) => part.type !== "null");
  const nullable = real.length < parts.length || given.default === null;
  const { anyOf: _, $ref: __, ...outer } = given;
  // Several types leave a choice that only JSON can say.
  const shape = real.length === 1 ? { ...real[0], ...outer } : { ...outer, anyOf: real };
  const kind = kindOf(schema, name, shape, nullable);
  return { name, kind, help: given.description ?? "", shape, required, nullable, initial: given.default };
}

function resolved(schema, shape) {
  const name = typeof shape?.$ref === "string" ? shape.$ref.split("/").pop() : null;
  return name === null ? (shape ?? {}) : (schema.components?.schemas?.[name] ?? {});
}

const isUpload = (shape) => shape.format === "reactor-upload-reference";

function kindOf(schema, name, shape, nullable) {
  if (isUpload(shape)) return "file";
  if (Array.isArray(shape.enum)) return choicesKind(shape.enum);
  if (shape.type === "array" && isUpload(resolved(schema, shape.items))) return "files";
  if (shape.type === "boolean") return nullable ? "select" : "toggle";
  if (shape.type === "integer" || shape.type === "number") return hasRange(shape) && !nullable ? "slider" : "number";
  return shape.type === "string" ? textKind(name, shape) : "json";
}

const choicesKind = (choices) =>
  choices.length <= MOST_SEGMENTS && choices.map(String).join("").length <= SEGMENT_CHARACTERS ? "segments" : "select";

function hasRange({ type, minimum, maximum }) {
  const size = maximum - minimum; // NaN where one is missing
  return size > 0 && Number.isFinite(size) && (type === "number" || size <= FINEST_SLIDER);
}

function textKind(name, { format, default: initial, maxLength }) {
  if (format === "color" || isColour(initial) || (COLOUR.test(name) && (initial ?? "") === "")) return "colour";
  return (maxLength ?? (PROSE.test(name) ? Infinity : 0)) > LONG_TEXT ? "prose" : "text";
}

/** Whether a text is a colour as pickers know it. */
export const isColour = (text) => /^#[0-9a-f]{6}$/i.test(text);

/** What is wrong with a value, or "". */
export function problemOf(schema, given, value) {
  const shape = resolved(schema, given);
  if (shape.anyOf) return shape.anyOf.some((part) => !problemOf(schema, part, value)) ? "" : "This is of none of the types that are taken.";
  if (shape.type && !isOf(shape.type, value)) return `This has to be ${WORDS[shape.type] ?? shape.type}.`;
  if (shape.enum && !shape.enum.includes(value)) return `This has to be one of: ${shape.enum.join(", ")}.`;
  return limits(shape, value) || inner(schema, shape, value);
}

function isOf(type, value) {
  if (type === "integer") return Number.isSafeInteger(value);
  if (type === "number") return Number.isFinite(value);
  if (type === "array") return Array.isArray(value);
  if (type === "null") return value === null;
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function limits(shape, value) {
  if (typeof value === "number" && value < shape.minimum) return `At least ${shape.minimum}.`;
  if (typeof value === "number" && value > shape.maximum) return `At most ${shape.maximum}.`;
  // Counted as the server does: by characters, of which some are two units here.
  const size = typeof value === "string" ? [...value].length : (value?.length ?? 0);
  const what = typeof value === "string" ? "characters" : "entries";
  if (size < shape.minLength) return `At least ${shape.minLength} ${what}.`;
  return size > shape.maxLength ? `At most ${shape.maxLength} ${what}; these are ${size}.` : "";
}

/** The first problem of an entry of a list, or of a part of an object, with where it is. */
function inner(schema, shape, value) {
  if (typeof value !== "object" || value === null || isUpload(shape)) return "";
  const missing = (shape.required ?? []).find((name) => !(name in value));
  if (missing !== undefined) return `${missing} is missing.`;
  for (const [name, part] of Object.entries(value)) {
    const of = Array.isArray(value) ? shape.items : (shape.properties?.[name] ?? shape.additionalProperties);
    const problem = of ? problemOf(schema, of, part) : "";
    if (problem) return `${Array.isArray(value) ? `Entry ${Number(name) + 1}` : name}: ${problem}`;
  }
  return "";
}
