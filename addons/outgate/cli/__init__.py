"""The command line: arguments to calls, nothing else."""
