"""Text to findings: pure, after normalisation, without transport, clock or store."""
