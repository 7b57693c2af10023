"""HTTP ↔ job folders: turns requests into drops and reads the tree; decides nothing. Sees layout and the light modules of pipeline only."""
