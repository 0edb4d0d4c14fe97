"""From a fresh machine to an open lesson: the workspace, the launch, the doctor."""
