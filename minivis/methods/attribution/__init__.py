"""Methods that ask which pixels did it."""
