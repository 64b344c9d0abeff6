"""Keys, tokens and passwords in text."""
