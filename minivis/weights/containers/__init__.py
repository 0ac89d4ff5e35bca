"""Files that hold arrays, whatever net these are of."""
