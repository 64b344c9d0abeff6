"""Answers that are given again: one file of a machine for all its processes, and the index of what is similar in it."""
