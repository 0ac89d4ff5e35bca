"""One exercise in each file: see exercise.py for what an exercise declares."""
