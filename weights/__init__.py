"""The embedded nets, as a package, so that an installed wheel finds them: see README.md beside this file."""
