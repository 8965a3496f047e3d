"""The network sees the pixels themselves, scaled to [-1, 1]."""

from sprint.data import to_signal
from sprint.data.codecs import Codec


class Pixels(Codec):
    title = "pixels"
    cites = "8-bit levels as DDPM scales them: Ho et al., arXiv 2006.11239, section 3.3"

    def signal(self, stored, indices, seed, step):
        return to_signal(stored)

    def decoded(self, signal):
        return signal
