// What is folded away is made ready when it is unfolded.
const once = (element, add) => {
  const fold = element.closest("details:not([open])");
  const named = [...address.read().keys()].some(key => key.startsWith(`${element.id}.`));
  if (fold && element.id && named) fold.open = true;
  if (!fold || fold.open) add(element);
  else fold.addEventListener("toggle", () => add(element), { once: true });
};
document.body.append(tip);
for (const figure of document.querySelectorAll("figure.table")) once(figure, one => new DataTable(one));
for (const figure of document.querySelectorAll("figure.drawn")) addFigure(figure);
for (const figure of document.querySelectorAll("figure.samples")) addSamples(figure);
const [first] = [...address.read().keys()].map(key => key.slice(0, key.lastIndexOf(".")));
if (first) document.getElementById(first)?.scrollIntoView();
