"""Heads: what turns a vector into a probability for each class. One module each."""
