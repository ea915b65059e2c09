/** Figures and times, for a person. Pure. */

const number = new Intl.NumberFormat("en");

/** A count. */
export const count = (value) => number.format(value);

/** Seconds; a dash where they are not known. @param {number|null|undefined} seconds */
export function lasting(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole >= 600 && whole < 3600) return `${Math.round(whole / 60)} min`;
  if (whole < 600) return `${Math.floor(whole / 60)}:${two(whole % 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)}:${two(Math.floor((whole % 3600) / 60))} h`;
  return `${Math.floor(whole / 86400)} d`;
}

const two = (value) => String(value).padStart(2, "0");

/** The beginning of an id, as people tell it by. */
export const short = (id) => id.slice(0, 8);

/** A text, or a dash. */
export const or = (value) => (value === null || value === undefined || value === "" ? "–" : String(value));
