"""How to convolve fast: the algorithms, on arrays. No layer in here."""
