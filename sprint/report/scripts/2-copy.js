// A table's rows and columns in sight as CSV, LaTeX (booktabs) or Markdown, with the caption that a paper needs.
const TEX = {
  "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "×": "$\\times$", "–": "--", "—": "---", "≤": "$\\le$",
  "≥": "$\\ge$", "±": "$\\pm$", "−": "$-$", "→": "$\\to$", "≈": "$\\approx$", "·": "$\\cdot$", "…": "\\ldots{}",
  "↓": "$\\downarrow$", "↑": "$\\uparrow$", "<": "$<$", ">": "$>$", "|": "$|$", "∞": "$\\infty$",
  "’": "'", "“": "``", "”": "''", '"': "''", "Δ": "$\\Delta$",
};
for (const [power, letter] of [..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) TEX[letter] = `$^${power}$`;
const tex = text => text.replace(/[\\&%$#_{}~^×–—≤≥±−→≈·…↓↑<>|⁰¹²³⁴⁵⁶⁷⁸⁹∞’“”"Δ]/g, letter => TEX[letter]);
const markdown = text => text.replace(/\|/g, "\\|").replace(/</g, "&lt;");
const csv = text => /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
const joined = (main, small) => small ? (main ? `${main} (${small})` : small) : main;

const FORMATS = {
  CSV(view) {
    const below = view.heads.map((_, at) => view.rows.some(row => row[at].small && row[at].main));
    const line = cells => cells.map(csv).join(",");
    const heads = view.heads.flatMap((head, at) => below[at] ? [head, `${head}, small`] : [head]);
    const rows = view.rows.map(row => row.flatMap((cell, at) =>
      below[at] ? [cell.main, cell.small] : [cell.main || cell.small]));
    return [heads, ...rows].map(line).join("\n") + "\n";
  },
  LaTeX(view) {
    const cell = one => tex(one.main) + (one.small ? `${one.main ? " " : ""}{\\scriptsize ${tex(one.small)}}` : "");
    const columns = view.heads.map((_, at) => at && view.numeric[at] ? "r" : "l").join("");
    return ["\\begin{table}", "\\centering", `\\caption{${tex(view.caption)}}`, `\\begin{tabular}{${columns}}`,
      "\\toprule", `${view.heads.map(tex).join(" & ")} \\\\`, "\\midrule",
      ...view.rows.map(row => `${row.map(cell).join(" & ")} \\\\`),
      "\\bottomrule", "\\end{tabular}", "\\end{table}", ""].join("\n");
  },
  Markdown(view) {
    const line = cells => `| ${cells.map(markdown).join(" | ")} |`;
    const rule = view.heads.map((_, at) => at && view.numeric[at] ? "---:" : "---");
    const rows = view.rows.map(row => line(row.map(cell => joined(cell.main, cell.small))));
    return [line(view.heads), `| ${rule.join(" | ")} |`, ...rows, "", view.caption, ""].join("\n");
  },
};

const toClipboard = async text => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};
const copyButton = (label, title, text) => {
  const button = make("button", { type: "button", title }, label);
  button.addEventListener("click", async () => {
    const copied = text();
    button.dataset.copied = copied;
    await toClipboard(copied);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = label; }, 1200);
  });
  return button;
};
