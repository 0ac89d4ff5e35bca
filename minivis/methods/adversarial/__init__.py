"""Methods that fool a net."""
