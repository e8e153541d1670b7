"""Ray Serve applications: the shared model deployment."""
