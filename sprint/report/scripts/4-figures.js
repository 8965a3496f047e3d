// Figures: the legend hides and shows, the pointer and the keyboard tell values, a click saves the drawing.
const tip = make("div", { className: "tip", hidden: true, role: "tooltip" });
const showTip = (mark, x, y) => {
  const text = (mark.closest("a") || mark).querySelector("title")?.textContent || mark.dataset.said;
  if (!text) return;
  tip.textContent = text;
  tip.hidden = false;
  const wide = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(4, Math.min(x + 12, wide - tip.offsetWidth - 8))}px`;
  tip.style.top = `${Math.max(4, y - tip.offsetHeight - 12)}px`;
};
const hideTip = () => { tip.hidden = true; };

const savedSvg = panel => {
  const copy = panel.cloneNode(true), style = getComputedStyle(document.documentElement);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const plain = copy.outerHTML.replace(/var\((--c\d+)\)/g, (_, name) => style.getPropertyValue(name).trim())
    .replace(/currentColor/g, getComputedStyle(panel).color).replace(/inherit/g, "sans-serif")
    .replace(/<a\b[^>]*>/g, "<g>").replace(/<\/a>/g, "</g>");
  return `<?xml version="1.0" encoding="utf-8"?>\n${plain}`;
};

const addFigure = figure => {
  const series = key => figure.querySelectorAll(`.panel [data-series="${CSS.escape(key)}"]`);
  for (const entry of figure.querySelectorAll(".legend li")) {
    const key = entry.dataset.series;
    if (!series(key).length) continue;
    const button = make("button", { type: "button", "aria-pressed": "true", title: "Hide or show" });
    button.append(...entry.childNodes);
    entry.append(button);
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") === "false";
      button.setAttribute("aria-pressed", shown);
      for (const part of series(key)) part.classList.toggle("hidden-series", !shown);
    });
  }
  for (const pane of figure.querySelectorAll(".pane")) {
    const panel = pane.querySelector(".panel");
    const save = make("button", { type: "button", title: "Save this figure as SVG" }, "SVG");
    save.addEventListener("click", () => {
      const href = URL.createObjectURL(new Blob([savedSvg(panel)], { type: "image/svg+xml" }));
      make("a", { href, download: "figure.svg" }).click();
      setTimeout(() => URL.revokeObjectURL(href), 1000);
    });
    pane.append(make("div", { className: "save" }, save));
    panel.addEventListener("pointerover", event => {
      const mark = event.target.closest(".mark");
      if (mark) showTip(mark, event.clientX, event.clientY);
    });
    panel.addEventListener("pointerout", hideTip);
    panel.addEventListener("focusin", event => {
      const mark = event.target.querySelector?.(".mark");
      const place = mark?.getBoundingClientRect();
      if (place) showTip(mark, place.right, place.top);
    });
    panel.addEventListener("focusout", hideTip);
  }
};
