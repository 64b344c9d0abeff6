"""Detectors of what must not be in an answer, and the judge that they share."""
