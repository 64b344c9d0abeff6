"""Wire bytes to leaves and events, and back. Sans-io: one strict JSON codec, one SSE codec, one package with a `SPEC` per API."""
