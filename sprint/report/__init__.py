"""The report: results/<preset>/**.json to one self-contained HTML file. Imports no torch."""

from sprint.report.page import render_index, render_study

__all__ = ["render_index", "render_study"]
