"""What is kept of a job between starts, and the keys that tell whether it still is what is asked
for. Light."""
