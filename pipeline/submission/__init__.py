"""Jobs that programs submit, and what can be said of a job."""
