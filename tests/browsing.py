"""What a reader does with a report, with real keys and a real pointer: checks that hold of any report's folder.

Each takes a tab and the folder; CHECKS names them all.
"""

import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

STUDY = "methods.html"
ROWS = """[...document.querySelectorAll('{table} tbody tr')]
  .filter(row => !row.hidden && !row.querySelector('.reference'))
  .map(row => [...row.cells].map(cell => cell.innerText.trim().split('\\n')[0].replace(/^[◇◆]\\s*/, '')))"""


def results_table(tab) -> str:
    """The selector of the study's table of results."""
    return "#" + tab.value("document.querySelector('figure.table[id$=results]').id")


def rows(tab, table: str) -> list[list[str]]:
    return tab.value(ROWS.format(table=table))


def column(tab, table: str, word: str) -> int:
    """The number of the first column whose head has a word."""
    heads = tab.value(f"[...document.querySelectorAll('{table} thead th')].map(head => head.innerText)")
    return next(place for place, head in enumerate(heads) if word in head)


def number(text: str) -> float:
    return float(re.sub(r"[,%×]", "", text).split()[0])


def sorting(tab, folder: Path) -> None:
    """A click on a head sorts, best first; another turns it round; a third brings the order back."""
    tab.open((folder / STUDY).as_uri())
    table, place = results_table(tab), None
    place = column(tab, table, "↓")
    head = f"{table} thead th:nth-child({place + 1}) button"
    before = rows(tab, table)
    for turn in (False, True):
        tab.click(head)
        values = [number(row[place]) for row in rows(tab, table) if re.match(r"\d", row[place])]
        assert len(values) > 2 and values == sorted(values, reverse=turn), values
    tab.click(head)
    assert rows(tab, table) == before


def filtering(tab, folder: Path) -> None:
    """Words and factors leave the rows that have them; columns can be hidden."""
    tab.open((folder / STUDY).as_uri())
    table = results_table(tab)
    before = rows(tab, table)
    word = before[-1][0].split()[0]
    tab.click(f"{table} input[type=search]")
    tab.type(word)
    left = rows(tab, table)
    assert 0 < len(left) < len(before) and all(word.lower() in " ".join(row).lower() for row in left)
    place = column(tab, table, "guidance")
    kind = left[0][place]
    choose = f"document.querySelector('{table} select[aria-label=\"Filter by guidance\"]')"
    tab.value(f"{choose}.value = {json.dumps(kind)}; {choose}.dispatchEvent(new Event('change'))")
    assert {row[place] for row in rows(tab, table)} == {kind}
    tab.click(f"{table} .tools summary")
    tab.click(f"{table} .tools label:nth-child({place + 1}) input")
    assert tab.value(f"document.querySelectorAll('{table} thead th')[{place}].hidden")


def pinning_and_link(tab, folder: Path) -> None:
    """A pinned row stands first, and the address brings the same view back."""
    tab.open((folder / STUDY).as_uri())
    table = results_table(tab)
    last = rows(tab, table)[-1]
    pins = tab.value(f"document.querySelectorAll('{table} .pin').length")
    tab.value(f"document.querySelectorAll('{table} .pin')[{pins - 1}].id = 'last-pin'")
    tab.click("#last-pin")
    assert rows(tab, table)[0] == last
    tab.click(f"{table} thead th:nth-child({column(tab, table, '↓') + 1}) button")
    view, address = rows(tab, table), tab.value("location.href")
    tab.open("about:blank")
    tab.open(address)
    assert rows(tab, table) == view and view[0] == last and "pin=" in address


def base_of_ratios(tab, folder: Path) -> None:
    """Another base: its own ratios are 1, and those of others are of what stands in the cells."""
    tab.open((folder / STUDY).as_uri())
    table = results_table(tab)
    choose = f"document.querySelector('{table} select[aria-label=\"Show ratios to\"]')"
    base = tab.value(f"{choose}.options[1].value")
    tab.value(f"{choose}.value = {json.dumps(base)}; {choose}.dispatchEvent(new Event('change'))")
    every = f"[...document.querySelectorAll('{table} tbody tr')]"
    own = f"{every}.filter(row => row.cells[0].innerText.includes({json.dumps(base)}))"
    ratios = tab.value(f"{own}.flatMap(row => [...row.querySelectorAll('.ratio')].map(one => one.textContent))")
    assert ratios and all(text.startswith("1.00×") for text in ratios)
    assert tab.value(f"document.querySelectorAll('{table} .ratio').length") > len(ratios)


def copying(tab, folder: Path) -> None:
    """What is copied as CSV, Markdown and LaTeX has the numbers of the page, in its order, and a caption."""
    tab.open((folder / STUDY).as_uri())
    table = results_table(tab)
    shown = rows(tab, table)
    for place, kind in enumerate(("CSV", "LaTeX", "Markdown")):
        tab.click(f"{table} .copies button:nth-of-type({place + 1})")
        text = tab.value(f"document.querySelectorAll('{table} .copies button')[{place}].dataset.copied")
        for row in shown:
            for cell in row:
                if re.fullmatch(r"[\d.]+%?", cell):
                    assert cell.replace("%", "\\%" if kind == "LaTeX" else "%") in text, (kind, cell)
    assert "sampler" in tab.value(f"document.querySelector('{table}').dataset.caption")


def pointing(tab, folder: Path) -> None:
    """A mark under the pointer says its value; a click on it leads to its run; the legend hides and shows."""
    tab.open((folder / STUDY).as_uri())
    tab.point(".panel a .mark")
    said = tab.value("document.querySelector('.tip').hidden ? '' : document.querySelector('.tip').textContent")
    assert said == tab.value("document.querySelector('.panel a title').textContent") and "seed" in said
    name = tab.value("document.querySelector('.legend button').closest('li').dataset.series")
    hidden = f"document.querySelectorAll('.panel .hidden-series[data-series=\"{name}\"]').length"
    assert tab.value(hidden) == 0
    tab.click(".legend button")
    assert tab.value(hidden) > 0
    tab.click(".legend button")
    assert tab.value(hidden) == 0
    href = tab.value("document.querySelector('.panel a').getAttribute('href')")
    assert href.startswith("runs/") and (folder / href).exists()


def sliding(tab, folder: Path) -> None:
    """Two settings at the same noise: the divider moves by keys, either side can be another; a click enlarges."""
    tab.open((folder / STUDY).as_uri())
    cut = "getComputedStyle(document.querySelector('.stage img + img')).clipPath"
    before = tab.value(cut)
    tab.value("document.querySelector('.look input[type=range]').focus()")
    for _ in range(5):
        tab.press("ArrowRight")
    assert tab.value(cut) != before
    sides = tab.value("[...document.querySelectorAll('.stage img')].map(image => image.alt)")
    assert sides[0] != sides[1]
    tab.click(".group img")
    assert tab.value("document.querySelector('dialog').open")
    assert tab.value("getComputedStyle(document.querySelector('dialog img')).imageRendering") == "pixelated"
    tab.press("Escape")
    tab.wait("document.querySelector('dialog') === null")


def keyboard_alone(tab, folder: Path) -> None:
    """By Tab and Enter from the top: to the content, to a head that sorts, to a mark that tells, to another page."""
    tab.open((folder / STUDY).as_uri())
    table = results_table(tab)
    _tab_to(tab, ".skip")
    tab.press("Enter")
    assert tab.value("document.activeElement.id") == "content"
    _tab_to(tab, ".panel a")
    assert not tab.value("document.querySelector('.tip').hidden")
    _tab_to(tab, f"{table} thead button")
    tab.press("Enter")
    assert tab.value(f"document.querySelector('{table} thead th').getAttribute('aria-sort')") == "ascending"
    _tab_to(tab, f"{table} .pin")
    tab.press("Space")
    assert tab.value("document.activeElement.getAttribute('aria-pressed')") == "true"


def _tab_to(tab, selector: str) -> None:
    for _ in range(400):
        tab.press("Tab")
        if tab.value(f"document.activeElement.matches({json.dumps(selector)})"):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def to_a_run(tab, folder: Path) -> None:
    """From the overview any run is two clicks away, and says its seed."""
    tab.open((folder / "index.html").as_uri())
    tab.click("nav a[href='runs.html']")
    _until(tab, "location.href.endsWith('/runs.html') && document.readyState === 'complete'")
    tab.click("tbody th a")
    _until(tab, "location.href.includes('/runs/') && document.readyState === 'complete'")
    assert "seed" in tab.value("document.querySelector('h1').innerText")


def _until(tab, expression: str) -> None:
    end = time.monotonic() + 60
    while not tab.value(expression):
        assert time.monotonic() < end, expression
        time.sleep(0.05)


CHECKS = [sorting, filtering, pinning_and_link, base_of_ratios, copying, pointing, sliding, keyboard_alone, to_a_run]


def kinds_of_page(folder: Path) -> list[Path]:
    """One page of each kind, and the whole."""
    names = ["index", "methods", "guidance", "speed", "claims", "runs", "about"]
    run = next(path for path in sorted((folder / "runs").glob("*.html")) if "samples of" in path.read_text())
    return [path for name in names if (path := folder / f"{name}.html").exists()] + [run]


def latex_of(tab, page: Path) -> list[tuple[str, list[list[str]]]]:
    """The LaTeX of every table of a page, and the texts of the cells that it should have."""
    tab.open(page.as_uri())
    tab.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    tab.value("new Promise(done => setTimeout(done, 300))")
    found = []
    for name in tab.value("[...document.querySelectorAll('figure.table')].map(one => one.id)"):
        table = f"#{name}"
        tab.value(f"[...document.querySelectorAll('{table} .copies button')][1].click()")
        found.append(
            (tab.value(f"document.querySelectorAll('{table} .copies button')[1].dataset.copied"), rows(tab, table))
        )
    return found


def parsed(latex: str) -> list[list[str]]:
    """The cells of a LaTeX table. Fails where TeX would: a bare special character, braces or columns that are off."""
    assert re.findall(r"[^\x00-\x7fäöüéèÄÖÜß]", latex) == []  # letters that TeX knows
    body = re.search(r"\\begin{tabular}{([lr]+)}\n\\toprule\n(.*)\n\\bottomrule\n\\end{tabular}", latex, re.S)
    assert body and latex.count("\\begin{table}") == latex.count("\\end{table}") == 1
    plain = re.sub(r"\\[\\{}%&$#_]", "", latex)
    assert plain.count("{") == plain.count("}") and plain.count("$") % 2 == 0 and not re.search("[#%]", plain), plain
    lines = [line for line in body[2].split("\n") if line != "\\midrule"]
    assert all(line.endswith(" \\\\") for line in lines)
    cells = [re.split(r"(?<!\\)&", line.removesuffix(" \\\\")) for line in lines]
    assert {len(row) for row in cells} == {len(body[1])}
    return [[cell.strip() for cell in row] for row in cells]


def compiled(tables: list[str]) -> None:
    """pdflatex takes them all, where it is installed."""
    program = shutil.which("pdflatex")
    if program is None:
        return
    text = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n%s\n\\end{document}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tables.tex"
        path.write_text(text % "\n\\clearpage\n".join(tables), encoding="utf-8")
        command = [program, "-interaction=nonstopmode", "-halt-on-error", path.name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout[-2000:]
