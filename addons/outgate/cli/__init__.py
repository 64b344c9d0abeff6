"""Command line: arguments to calls, nothing else."""
