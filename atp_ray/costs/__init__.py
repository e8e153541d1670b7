"""What a run takes: tokens, dollars, GPU-seconds and energy; estimated before, counted meanwhile, limited."""
