// Elements of the page, by their names, and new ones.

export const $ = (id) => document.getElementById(id);

// An element with attributes ("class", "onclick" and others) and children: elements and texts; null is left out.
export function tag(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// Set a text that is shown with each frame. Browsers redo the layout whenever a text is written, even the same one, and redo
// more of it when a new text node takes the place of the old one; so only what has changed is written, into the same node.
export function retext(element, text) {
  const { firstChild: one } = element;
  if (one?.nodeType !== Node.TEXT_NODE || one.nextSibling) element.textContent = text;
  else if (one.data !== text) one.data = text;
}

// A name that may be broken where its parts end, as children of an element.
export const breakable = (name) => name.split(/(?<=[/_:])|(?=@)/).flatMap((part, i) => (i ? [tag("wbr"), part] : [part]));

// A long text without its middle: a unit's number is at its end.
export const withoutMiddle = (text, most) => (text.length <= most ? text : `${text.slice(0, most >> 1)}…${text.slice((most >> 1) + 1 - most)}`);

// Read to those who cannot see the page.
export function announce(text) { $("announce").textContent = text; }

// The arrow keys, Home and End move inside a row of buttons, which is one stop of the Tab key.
export function roving(row, chosen) {
  row.addEventListener("keydown", (event) => {
    const all = [...row.querySelectorAll("button:not([hidden])")], i = all.indexOf(event.target);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : step ? (i + step + all.length) % all.length : -1;
    if (i < 0 || to < 0) return;
    event.preventDefault();
    all[to].focus();
    chosen(all[to]);
  });
}

// Which button of a row the Tab key stops at.
export function stopAt(row, isChosen) {
  const all = [...row.querySelectorAll("button")];
  const stop = all.find(isChosen) ?? all[0];
  for (const button of all) button.tabIndex = button === stop ? 0 : -1;
}
