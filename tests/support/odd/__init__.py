"""Odd but honest files, as programs and people make them: what to drop, and what is true of it. None is damaged; a reader that
takes a format for simpler than it is gets them wrong without a word."""
