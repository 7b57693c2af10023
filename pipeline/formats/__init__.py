"""What a file is: signature, header, completeness, and how much an archive may hold. Standard
library only.

Intake, the stages that read scans and meshes, and the web process all ask here, so that they get
the same answer.
"""
