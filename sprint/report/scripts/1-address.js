// What the reader has set stands in the address, so that a link brings the same view back:
// #results.sort=2d&results.pin=dense·unguided. An address without "=" is a plain anchor.
const address = {
  read() {
    const hash = location.hash.slice(1);
    return new URLSearchParams(hash.includes("=") ? hash : "");
  },
  get(name, key) { return this.read().get(`${name}.${key}`) || ""; },
  set(name, key, value) {
    const all = this.read();
    if (value) all.set(`${name}.${key}`, value); else all.delete(`${name}.${key}`);
    const text = all.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  },
};
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in element && name !== "list") element[name] = value; else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};
