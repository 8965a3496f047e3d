"""Makes torchvision importable beside a CPU build of torch, for libraries that import it: torch-fidelity, diffusers.

Where torchvision is a CUDA build, its compiled operators do not load beside a CPU torch, and the import fails when it
looks for their schemas. Transforms and models need none of them, so naming the two schemas is enough.
"""

import functools

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@functools.cache
def ensure_torchvision() -> torch.library.Library | None:
    """Import torchvision as it is; only where its operators are missing, define their schemas and import it again.

    Returns the library that holds the schemas; the cache keeps it alive, as its end would take them back.
    """
    try:
        import torchvision

        return None
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        library.define(schema)
    import torchvision  # noqa: F401

    return library
