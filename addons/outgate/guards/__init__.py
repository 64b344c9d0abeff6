"""Models that guards ask, in the model server: detectors and engines put together."""
