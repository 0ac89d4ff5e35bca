"""Methods that make images: maximisation, inversion, dreams and style."""
