"""The drawn panels of figures, as small SVG."""
