"""What lies in inbox/: is it complete, of what kind is it, what does it ask for? It is looked at
once and handed on."""
