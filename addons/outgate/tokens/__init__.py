"""Token counts before the call: encodings, message framing, images, and the sampled count of long text."""
