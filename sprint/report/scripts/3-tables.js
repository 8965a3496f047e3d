// Tables: sort by a column, filter by text and by factor, choose columns, pin rows, hold ratios against another base.
const mainText = cell => [...cell.childNodes].filter(node => node.nodeType === 3 || node.nodeName === "A" ||
  node.className === "whole" || node.nodeName === "BUTTON" && !node.classList.contains("pin"))
  .map(node => node.nodeName === "BUTTON" ? mainText(node) : node.textContent).join("").replace(/\s+/g, " ").trim();
const smallText = cell => [...cell.children].filter(node => node.nodeName === "SMALL" && !node.classList.contains("links"))
  .map(node => node.textContent.trim()).filter(Boolean).join("; ");
const NUMBER = /^[≤≥<>~+−-]?\s*[\d,]*\.?\d+(e[+-]?\d+)?\s*(%|×|points)?( .*)?$/;
const numberOf = text => NUMBER.test(text)
  ? parseFloat(text.replace(/[,≤≥<>~+\s]/g, "").replace("−", "-")) : NaN;
const MANY = 12;  // values of a column that is still a factor to filter by

class DataTable {
  constructor(figure) {
    this.figure = figure;
    this.name = figure.id;
    this.table = figure.querySelector("table");
    this.heads = [...this.table.tHead.rows[0].cells];
    this.names = this.heads.map(head => [mainText(head), smallText(head)].filter(Boolean).join(" "));
    this.bodies = [...this.table.tBodies];
    this.rows = this.bodies.flatMap((body, group) => [...body.rows].map(row => this.read(row, group)));
    this.pairs = JSON.parse(figure.dataset.pairs || "{}");
    this.numeric = this.heads.map((_, at) => {
      const texts = this.rows.map(row => row.cells[at]?.text).filter(text => text && text !== "–" && text !== "missing");
      return texts.length > 0 && texts.filter(text => !isNaN(numberOf(text))).length > texts.length / 2;
    });
    this.factors = this.heads.map((_, at) => this.isFactor(at) ? this.values(at) : null);
    if (this.rows.length > 2) this.addHeads();
    this.addTools();
    this.restore();
    window.addEventListener("hashchange", () => this.restore());
  }

  read(row, group) {
    const cells = [];
    for (const cell of row.cells) {
      const read = { cell, text: mainText(cell), small: smallText(cell) };
      for (let span = 0; span < cell.colSpan; span++) cells.push(span ? { cell, text: "", small: "" } : read);
    }
    const key = cells.slice(0, Math.max(2, 1 + this.names.indexOf("guidance"))).map(one => one.text).join("·");
    return { row, group, cells, key, fixed: !!row.querySelector(".reference"), all: row.textContent.toLowerCase() };
  }

  values(at) { return [...new Set(this.rows.filter(row => !row.fixed).map(row => row.cells[at]?.text).filter(Boolean))]; }

  isFactor(at) {
    if (at === 0 || this.heads[at].hasAttribute("data-ratio")) return false;
    if (this.numeric[at] && this.rows.some(row => row.cells[at]?.small || /\.|×|,/.test(row.cells[at]?.text))) return false;
    const values = this.values(at), filled = this.rows.filter(row => row.cells[at]?.text).length;
    return values.length > 1 && values.length <= MANY && filled >= 2 * values.length &&
      values.every(text => text.length < 24);
  }

  addHeads() {
    this.heads.forEach((head, at) => {
      if (!this.values(at).length) return;
      const button = make("button", { type: "button", title: "Sort by this column" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => this.turn(at));
    });
    for (const row of this.rows.filter(row => !row.fixed)) {
      const pin = make("button", { type: "button", className: "pin", "aria-label": `Pin ${row.key}` }, "◇");
      pin.addEventListener("click", () => this.pin(row.key));
      row.cells[0].cell.prepend(pin);
      row.pin = pin;
    }
  }

  addTools() {
    const tools = make("div", { className: "tools", role: "group", "aria-label": "Table tools" });
    if (this.rows.length > 2) {
      this.search = make("input", { type: "search", placeholder: "Filter rows", "aria-label": "Filter rows by text" });
      this.search.addEventListener("input", () => this.set("find", this.search.value));
      tools.append(this.search, ...this.addFactors(), this.addColumns(), ...this.addBase());
    }
    const copies = make("span", { className: "copies" }, "copy");
    for (const [label, write] of Object.entries(FORMATS)) {
      copies.append(copyButton(label, `Copy the rows and columns in sight as ${label}`, () => write(this.view())));
    }
    copies.append(copyButton("Link", "Copy a link that brings this view back", () => location.href));
    tools.append(copies);
    this.figure.querySelector(".scroll").before(tools);
  }

  addFactors() {
    this.selects = {};
    return this.factors.flatMap((values, at) => {
      if (!values) return [];
      const label = `${this.names[at]}: all`;
      const select = make("select", { "aria-label": `Filter by ${this.names[at]}` }, make("option", { value: "" }, label),
        ...values.map(value => make("option", { value }, value)));
      select.addEventListener("change", () => this.set(`is${at}`, select.value));
      this.selects[at] = select;
      return [select];
    });
  }

  addColumns() {
    this.boxes = this.heads.map((_, at) => make("input", { type: "checkbox", checked: true, disabled: at === 0 }));
    this.boxes.forEach((box, at) => box.addEventListener("change", () => this.set("hide",
      this.boxes.flatMap((one, number) => one.checked ? [] : [number]).join("-"))));
    const labels = this.boxes.map((box, at) => make("label", {}, box, ` ${this.names[at]}`));
    return make("details", {}, make("summary", {}, "Columns"), make("div", {}, ...labels));
  }

  addBase() {
    if (!this.heads.some(head => head.hasAttribute("data-ratio"))) return [];
    const names = [...new Set(this.rows.filter(row => !row.fixed).map(row => row.cells[0].text))];
    if (names.length < 2) return [];
    this.base = make("select", { "aria-label": "Show ratios to" }, make("option", { value: "" }, "ratios to: none"),
      ...names.map(value => make("option", { value }, `ratios to: ${value}`)));
    this.base.addEventListener("change", () => this.set("base", this.base.value));
    return [this.base];
  }

  set(key, value) { address.set(this.name, key, value); this.apply(); }

  turn(at) {
    const [column, way] = this.sorting();
    const first = /↑/.test(this.names[at]) ? "d" : "a", second = first === "a" ? "d" : "a";
    this.set("sort", column !== at ? `${at}${first}` : way === first ? `${at}${second}` : "");
  }

  sorting() {
    const found = /^(\d+)([ad])$/.exec(address.get(this.name, "sort"));
    return found && +found[1] < this.heads.length ? [+found[1], found[2]] : [-1, "a"];
  }

  pins() { return address.get(this.name, "pin").split("|").filter(Boolean); }

  pin(key) {
    const pins = this.pins();
    this.set("pin", (pins.includes(key) ? pins.filter(one => one !== key) : [...pins, key]).join("|"));
    this.rows.find(row => row.key === key)?.pin?.focus();
  }

  restore() {
    if (this.search) {
      this.search.value = address.get(this.name, "find");
      for (const [at, select] of Object.entries(this.selects)) select.value = address.get(this.name, `is${at}`);
      const hidden = address.get(this.name, "hide").split("-");
      this.boxes.forEach((box, at) => { box.checked = !hidden.includes(String(at)); });
      if (this.base) this.base.value = address.get(this.name, "base");
    }
    this.apply();
  }

  apply() {
    const [column, way] = this.sorting(), pins = this.pins(), sign = way === "d" ? -1 : 1;
    const value = row => this.numeric[column] ? numberOf(row.cells[column]?.text || "") : row.cells[column]?.text || "";
    const compare = (one, other) => {
      const [a, b] = [value(one), value(other)];
      if (typeof a === "number") return isNaN(a) || isNaN(b) ? isNaN(a) - isNaN(b) : sign * (a - b);
      return sign * a.localeCompare(b, undefined, { numeric: true });
    };
    const rank = row => row.fixed ? 2 : pins.includes(row.key) ? 0 : 1;
    const order = [...this.rows].sort((one, other) => rank(one) - rank(other) || (column >= 0 ? compare(one, other) : 0));
    const flat = column >= 0 || pins.length > 0;
    this.table.classList.toggle("sorted", flat);
    for (const row of order) (flat ? this.bodies[0] : this.bodies[row.group]).append(row.row);
    this.heads.forEach((head, at) => {
      if (at === column) head.setAttribute("aria-sort", way === "a" ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    this.order = order;
    this.filter(pins);
    this.hide();
    this.ratios();
  }

  filter(pins) {
    const words = (this.search?.value || "").toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of this.rows) {
      const pinned = pins.includes(row.key);
      const kept = words.every(word => row.all.includes(word)) && Object.entries(this.selects || {}).every(
        ([at, select]) => !select.value || row.cells[at]?.text === select.value);
      row.row.hidden = !(pinned || row.fixed || kept);
      row.row.classList.toggle("pinned", pinned);
      if (row.pin) {
        row.pin.setAttribute("aria-pressed", pinned);
        row.pin.textContent = pinned ? "◆" : "◇";
      }
    }
  }

  hide() {
    if (!this.boxes) return;
    this.boxes.forEach((box, at) => {
      this.heads[at].hidden = !box.checked;
      for (const row of this.rows) if (row.cells[at]?.cell.colSpan === 1) row.cells[at].cell.hidden = !box.checked;
    });
  }

  ratios() {
    for (const old of this.table.querySelectorAll("small.ratio")) old.remove();
    if (!this.base?.value) return;
    const under = this.names.findIndex(name => name === "guidance");
    const alike = row => this.rows.find(one => one.cells[0].text === this.base.value &&
      (under < 0 || one.cells[under].text === row.cells[under].text));
    this.heads.forEach((head, at) => {
      if (!head.hasAttribute("data-ratio")) return;
      for (const row of this.rows.filter(row => !row.fixed)) {
        const text = this.pairs[at]?.[row.cells[under]?.text]?.[row.cells[0].text]?.[this.base.value];
        const value = numberOf(row.cells[at]?.text || "") / numberOf(alike(row)?.cells[at]?.text || "");
        const shown = text || (isFinite(value) ? `${value.toFixed(2)}×` : "");
        if (shown) row.cells[at].cell.append(make("small", { className: "ratio" }, shown));
      }
    });
  }

  view() {
    const shown = this.heads.map((head, at) => at).filter(at => !this.heads[at].hidden &&
      this.rows.some(row => row.cells[at]?.text || row.cells[at]?.small));
    const small = one => one ? smallText(one.cell) : "";
    const base = this.base?.value ? ` Ratios to ${this.base.value}.` : "";
    return {
      caption: this.figure.dataset.caption + base,
      heads: shown.map(at => this.names[at]),
      numeric: shown.map(at => this.numeric[at]),
      rows: this.order.filter(row => !row.row.hidden).map(row => shown.map(at => {
        const one = row.cells[at];
        return { main: one?.text || "", small: one && one.text !== undefined && (one.text || one.small) ? small(one) : "" };
      })),
    };
  }
}
