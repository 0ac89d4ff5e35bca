"""Methods that look into a net: activations, filters, patches, codes, maps."""
