"""Virtual scans, and the demo that drops them."""
