// SPDX-License-Identifier: MIT
// Elements are made here and nowhere else: text is always text, never markup.

/**
 * @param {string} tag with classes: "div.row.open"
 * @param {Record<string, string | number | boolean | ((event: Event) => void) | undefined> | null} [attributes]
 * @param {(Node | string | null | undefined | false)[]} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes, ...children) {
  const [name = "div", ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== undefined && value !== false) made.setAttribute(key, String(value));
  }
  for (const child of children) if (child) made.append(child);
  return made;
}

/**
 * A part that can be unfolded; what is in it is made when that happens.
 * @param {string} title
 * @param {() => Node} content
 * @param {boolean} open
 */
export function section(title, content, open) {
  const details = /** @type {HTMLDetailsElement} */ (element("details.section", { open }));
  details.append(element("summary", null, title));
  let made = false;
  const make = () => {
    if (made || !details.open) return;
    made = true;
    details.append(content());
  };
  details.addEventListener("toggle", make);
  make();
  return details;
}

/**
 * A command, and a button that copies it.
 * @param {string} text
 */
export function commandLine(text) {
  const button = element("button.copy", { type: "button", click: () => void copy(text, button) }, "copy");
  return element("div.command", null, element("code", null, text), button);
}

/**
 * @param {string} text
 * @param {HTMLElement} button
 */
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    // Pages opened from a file may not use the clipboard; the text can still be selected.
    button.textContent = "select it by hand";
  }
  setTimeout(() => {
    button.textContent = "copy";
  }, 1500);
}

/**
 * "400 ms", "12.0 s", "3:05", "1:02:05"
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
  if (minutes < 60) return `${minutes}:${pad(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
}
