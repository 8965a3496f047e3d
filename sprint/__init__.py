"""sprint-bench: a fair, repeatable comparison of efficient diffusion transformers."""

__version__ = "0.1.0"
