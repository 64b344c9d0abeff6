"""Prompt injection and jailbreaks: rules and phrases over normalised text."""
