"""The methods of the lecture, one idea a file."""
