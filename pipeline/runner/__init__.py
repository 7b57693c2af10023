"""One start of one job."""
