"""Where things are and how they move: the Atlas tree, its manifests and its edges. Knows no
geometry, GPU or HTTP."""
