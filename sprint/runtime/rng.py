"""Randomness as a function of its purpose: the same name gives the same numbers, whatever was drawn before.

Training draws from (seed, step, purpose), sampling from (seed, image index), initial values from (seed, parameter),
so that resuming, batch size, order of construction and number of devices change nothing.
"""

import hashlib

import torch


def generator(*name: int | str) -> torch.Generator:
    """A CPU generator seeded by the SHA-256 of `name`."""
    digest = hashlib.sha256(repr(name).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
