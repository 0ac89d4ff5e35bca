// What is looked at, in the address of the page: #net=…&layer=…&unit=…&rule=… and others.

const KEYS = ["net", "layer", "unit", "rule", "show", "off", "sort", "only", "find", "zoom", "norm", "overlay", "beside", "sample"];

// What an address says: an object of texts.
export function read(hash = location.hash) {
  const found = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(KEYS.filter((key) => found.get(key)).map((key) => [key, found.get(key)]));
}

export function linkTo(state) {
  const given = new URLSearchParams(KEYS.filter((key) => state[key]).map((key) => [key, state[key]]));
  return `${location.href.split("#")[0]}#${given}`;
}

let due = null;

// Keep the address up with what is looked at, without a trail of steps in the browser's history.
export function write(state) {
  clearTimeout(due);
  due = setTimeout(() => history.replaceState(null, "", linkTo(state)), 300);
}
