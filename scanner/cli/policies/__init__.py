"""The commands of `atlascan policy`, one module each, and what they share."""
