"""The kernel's own NFS client and server, in a small guest."""

MARK = "PLAY "  # what the guest tells of a play begins its line so
