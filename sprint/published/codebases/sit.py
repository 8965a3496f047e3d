"""SiT (arXiv 2401.08740), github.com/willisma/SiT: DiT's network under flow matching, data at s = 1."""

from sprint.published.codebases import Codebase


class SiT(Codebase):
    title = "SiT"
    cites = "arXiv 2401.08740, github.com/willisma/SiT"
    method = "dense"
    parameterization = "sit"
    golden = "dense"
    sections = {r"blocks\.\d+": "blocks.{}"}
    conventions = (
        "its time runs from noise at 0 to data at 1",
        "its guidance acts on the first 3 of the 4 latent channels, ours on all",
        "its pixels are truncated from 127.5 x + 128, ours rounded",
    )
    inexpressible = ("a predicted variance: those channels are left out",)
