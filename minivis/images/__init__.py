"""Reading and writing pictures, and preparing them for a net. This room knows no net."""
