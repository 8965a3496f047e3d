"""DiT (arXiv 2212.09748), github.com/facebookresearch/DiT: predicts the noise, and a variance, of 1000 DDPM steps."""

from sprint.published.codebases import Codebase


class DiT(Codebase):
    title = "DiT"
    cites = "arXiv 2212.09748, github.com/facebookresearch/DiT"
    method = "dense"
    parameterization = "ddpm_epsilon"
    sections = {r"blocks\.\d+": "blocks.{}"}
    conventions = (
        "its time counts 1000 steps of linear betas, and ends at t = 0.9937",
        "its sampler is ancestral DDPM over 250 of them",
        "its guidance acts on the first 3 of the 4 latent channels, ours on all",
    )
    inexpressible = ("a predicted variance: those channels are left out",)
