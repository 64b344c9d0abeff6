"""Prices, counts, metrics and the closing line."""
