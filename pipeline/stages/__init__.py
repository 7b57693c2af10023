"""Stages: one verb per file, one public function ``run`` each: artefacts in, artefact out, files
only through the workspace."""
