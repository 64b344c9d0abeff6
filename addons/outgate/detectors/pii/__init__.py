"""Structured personal data: detection in text, and the placeholders that replace it."""
