"""A small supervised network: it learns the labels of the images; its features are its last hidden layer."""

from sprint.metrics.extractors import TrainedHere


class Classifier(TrainedHere):
    title = "small classifier"
    cites = "a last hidden layer as features, as FID's: Heusel et al., arXiv 1706.08500"
    classifies = True
    steps = 300

    @staticmethod
    def outputs(classes):
        return classes

    @staticmethod
    def loss(network, pixels, labels, generator):
        """Cross-entropy of slightly moved images."""
        import torch.nn.functional as F

        from sprint.data import to_signal
        from sprint.metrics.networks.views import moved

        return F.cross_entropy(network.head(network.embed(moved(to_signal(pixels), generator))), labels)

    @staticmethod
    def held_out_accuracy(network, seen, held_out):
        """Share of the held-out images whose label is the head's largest output."""
        pixels, labels = held_out
        return float((network(pixels)[1].argmax(1) == labels).double().mean())
