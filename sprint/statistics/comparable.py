"""Which evaluations may stand side by side: those whose identities differ in what is studied and in nothing else.

An evaluation's identity (metrics.json) names all that can move its numbers. Two numbers made with other samplers, other
numbers of images or other extractor weights are not comparable, however alike they look. No torch.
"""

import json

STUDIED = ("weights", "guidance", "attention", "prediction")  # prediction: what the weights' network predicts
PARTIAL = ("held_out",)  # of a part of the evaluations: those without it have no number that it moves
OUTSIDE = ("sampler", "images", "labels")  # written beside the identity too, for files that have none


def identity_of(evaluation: dict) -> dict:
    """All that moves an evaluation's numbers but what is studied."""
    found = evaluation.get("identity") or {key: evaluation[key] for key in OUTSIDE if key in evaluation}
    return {key: value for key, value in found.items() if key not in STUDIED}


def conflicts(evaluations: list[dict]) -> list[str]:
    """One phrase for each part in which identities differ, such as `images 640 and 40`; none where all agree."""
    identities = [identity_of(evaluation) for evaluation in evaluations]
    phrases = []
    for key in sorted({key for identity in identities for key in identity}):
        asked = [identity for identity in identities if key not in PARTIAL or key in identity]
        values = list(dict.fromkeys(text_of(identity.get(key)) for identity in asked))
        if len(values) > 1:
            phrases.append(f"{key.replace('_', ' ')} {' and '.join(values)}")
    return phrases


def text_of(value: object) -> str:
    """A part of an identity as a reader sees it; hashes are cut."""
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {text_of(inner)}" for key, inner in sorted(value.items())) + ")"
    if value is None:
        return "not recorded"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{text[:10]}…" if len(text) == 64 else text
