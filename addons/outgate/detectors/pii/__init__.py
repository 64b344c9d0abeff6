"""Structured personal data: where it stands in a text, and the placeholders that take its place."""
