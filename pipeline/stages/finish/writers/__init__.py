"""One file per format; each has ``write(model, path)`` and gets a Model in the format's own unit and axes."""
