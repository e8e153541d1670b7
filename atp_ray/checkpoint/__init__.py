"""From a checkpoint's name to weights, an endpoint or a policy."""
