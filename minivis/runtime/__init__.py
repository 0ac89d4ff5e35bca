"""What the machine gives: arrays on a CPU or a GPU, threads, memory, files, a terminal."""
