"""Documents to text: in a process of its own for each, under limits, with nothing to open and nowhere to send."""
