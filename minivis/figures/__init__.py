"""Drawing arrays as figures."""
