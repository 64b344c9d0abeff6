"""One process that owns the models and every CPU stage above a millisecond, asked over a Unix socket."""
