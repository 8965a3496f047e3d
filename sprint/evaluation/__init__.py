"""From weights, or images of any origin, to metrics."""
