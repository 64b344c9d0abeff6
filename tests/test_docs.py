"""Every stage, setting, denial code, metric and script is in docs/."""
