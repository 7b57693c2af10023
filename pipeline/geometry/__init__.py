"""Numeric helpers that several stages share: plain arrays in, plain arrays out. Imports numpy at
most; the rest inside functions."""
