"""Parity with recorded tensors: `python -m tests.parity SET.json …` runs our networks on a recorded set's configuration, seed, batch and
chunk and prints the largest deviation of every named tensor beside its tolerance.

A set is SET.json (configuration) beside SET.npz (arrays); a set of arrays only is named by its .npz file.
"""

from __future__ import annotations
