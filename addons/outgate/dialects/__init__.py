"""Wire bytes to leaves and events, and back. Sans-io: one strict JSON codec, one SSE codec, and a table per provider's API."""
