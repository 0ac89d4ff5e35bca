"""Methods that make images: maximise, invert, dream, paint."""
