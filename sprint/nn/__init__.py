"""Layers, tokens and sizes: what networks are built of."""
