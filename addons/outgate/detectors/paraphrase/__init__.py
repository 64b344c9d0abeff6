"""Symbol checks: signs that two questions near in words ask for different things. Pure; tens of microseconds each."""
