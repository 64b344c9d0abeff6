"""Neutral values of inference traffic, frozen."""
