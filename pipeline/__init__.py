"""inbox3d: drop a folder, get a model. The pipeline between the Atlas tree and its compute
hosts."""
