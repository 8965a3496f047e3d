"""The networks behind the extractors, and how those of small images are trained."""
