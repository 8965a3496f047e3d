"""Measured speed and memory beside the modelled cost. Whatever is compared takes turns in one process."""
