"""A small self-supervised network: it learns to recognise an image by another, disturbed view of it among the rest of
the batch, and never sees a label. It differs from cnn.py in kind as DINOv2 does from Inception, so that their agreement
means something."""

from sprint.metrics.extractors import TrainedHere

TEMPERATURE = 0.2  # of the softmax
PROJECTION = 64  # dimensions in which views are compared


class Contrastive(TrainedHere):
    title = "small self-supervised network"
    cites = "SimCLR: Chen et al., arXiv 2002.05709, eq. 1"
    steps = 250

    @staticmethod
    def outputs(classes):
        return PROJECTION

    @staticmethod
    def loss(network, pixels, labels, generator):
        """NT-Xent: each of the 2 n views must find its partner among the other 2 n - 1. Labels are not looked at."""
        import torch
        import torch.nn.functional as F

        from sprint.data import to_signal
        from sprint.metrics.networks.views import disturbed

        signal = to_signal(pixels)
        views = torch.cat([disturbed(signal, generator), disturbed(signal, generator)])
        projections = F.normalize(network.head(network.embed(views)), dim=1)
        similarity = projections @ projections.T / TEMPERATURE
        similarity.fill_diagonal_(-torch.inf)
        return F.cross_entropy(similarity, torch.arange(len(views)).roll(len(pixels)))

    @staticmethod
    def held_out_accuracy(network, seen, held_out):
        """Share of the held-out images whose label is that of the nearest seen image, by cosine of the features."""
        import torch.nn.functional as F

        own, others = (F.normalize(network(pixels)[0], dim=1) for pixels, _ in (held_out, seen))
        return float((seen[1][(own @ others.T).argmax(1)] == held_out[1]).double().mean())
