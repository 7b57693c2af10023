"""Who is told: webhooks, notifications, metrics."""
