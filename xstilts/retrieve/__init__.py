"""Sentence retrieval with an encoder's hidden states."""
