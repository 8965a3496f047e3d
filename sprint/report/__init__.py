"""The report: results/<preset>/**.json to self-contained HTML pages. Imports no torch."""

from sprint.report.pages.render import render_index, render_study

__all__ = ["render_index", "render_study"]
