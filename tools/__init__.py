"""Helpers of the project itself: generated pages and pinned versions. Not part of the
distribution."""
