"""The sizes that DiT (arXiv 2212.09748, table 1), SiT and all that follow them share."""

import re

from sprint.runtime.errors import UserError

SIZES = {  # name: depth, width, heads
    "S": (12, 384, 6),
    "B": (12, 768, 12),
    "L": (24, 1024, 16),
    "XL": (28, 1152, 16),
}
MOST = (1024, 65536, 1024, 1024)  # depth, width, heads, patch of a size without a name
PATCHES = (2, 4, 8)  # pixels of the latent along one side of a token


def parse(text: str) -> tuple[int, int, int, int]:
    """(depth, width, heads, patch) of "XL/2", or of a size without a name such as "4x64x4/2". Raises UserError."""
    name, _, patch = text.partition("/")
    if name in SIZES and patch in map(str, PATCHES):
        return (*SIZES[name], int(patch))
    numbers = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})x([1-9]\d{0,5})/([1-9]\d{0,5})", text)
    if numbers is None or any(int(number) > most for number, most in zip(numbers.groups(), MOST, strict=True)):
        raise UserError(
            f"model is {text!r}; allowed: {', '.join(SIZES)} followed by {', '.join(f'/{size}' for size in PATCHES)}, "
            "such as XL/2, or depth x width x heads / patch in numbers, such as 4x64x4/2 "
            f"(at most {MOST[0]}x{MOST[1]}x{MOST[2]}/{MOST[3]})"
        )
    return tuple(int(number) for number in numbers.groups())
