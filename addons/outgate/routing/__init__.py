"""Choice of a model for a request: among named models, and among the targets of one."""
