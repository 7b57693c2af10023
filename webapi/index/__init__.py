"""What the tree holds, remembered: a cache that can be made again at any time."""
