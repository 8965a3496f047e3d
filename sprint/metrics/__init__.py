"""Metrics of a set of images: features from extractors.py, numbers from distances.py, here under their flat names."""

import torch


def measure(
    features: dict[str, torch.Tensor],
    reference: dict,
    predicted_labels: torch.Tensor | None = None,
    labels: torch.Tensor | None = None,
    reference_labels: torch.Tensor | None = None,
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Every metric under every extractor: ({"fd/digits-cnn": 41.2, ..., "accuracy": 0.97}, reasons of those None).

    features: extractor -> (n, d) of the samples; reference: extractor -> (m, d), or a frechet.Gaussian (then only FD).
    predicted_labels (n,) are digits-cnn's, labels (n,) those asked for. With reference_labels (m,) too, `fd_class` is
    the mean over classes of the FD within a class.
    """
    from sprint.metrics import distances

    metrics, reasons = {}, {}
    for extractor, ours in features.items():
        values, why = distances.compute(ours, reference[extractor])
        if labels is not None and reference_labels is not None:
            values["fd_class"], why["fd_class"] = distances.class_frechet(
                ours, labels, reference[extractor], reference_labels
            )
        metrics |= {f"{name}/{extractor}": value for name, value in values.items()}
        reasons |= {f"{name}/{extractor}": sentence for name, sentence in why.items() if sentence}
    metrics["accuracy"], reason = accuracy(predicted_labels, labels)
    return metrics, reasons | ({"accuracy": reason} if reason else {})


def accuracy(predicted_labels: torch.Tensor | None, labels: torch.Tensor | None) -> tuple[float | None, str]:
    """Share of images classified as the label they were asked for, or None and the reason."""
    if predicted_labels is None or labels is None:
        return None, "needs labels that were asked for and an extractor that classifies (digits-cnn)"
    if len(labels) == 0:
        return None, "there are no images"
    return float((predicted_labels == labels).double().mean()), ""
