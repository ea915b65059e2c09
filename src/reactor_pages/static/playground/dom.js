/** Elements in one expression. */

/**
 * An element with properties, attributes (names with a dash, and ``role``) and children; text is never read as markup.
 * @param {string} tag @param {object} [given] @param {...(Node|string|null)} children
 */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A button with a text, or with a sign and a name for those who do not see it. */
export function button(text, onclick, { sign = null, ...given } = {}) {
  const told = sign === null ? {} : { "aria-label": text, title: text };
  return el("button", { type: "button", onclick, ...told, ...given }, sign ?? text);
}

/** Has the browser save some bytes as a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000); // the download has begun by then
}

/** A name for a file that is made now. */
export const stamped = (name, ending) => `${name}-${new Date().toISOString().replace(/[:.]/g, "-").slice(0, 19)}.${ending}`;
