"""Methods that look: activations, filters, patches, codes, maps."""
