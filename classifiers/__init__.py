"""Encoders, the FAISS index, heads, the classifier and its bundle on disk, streaming prediction."""
