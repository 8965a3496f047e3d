"""Presets and studies from their files, expanded into runs and checked before any compute is spent."""
