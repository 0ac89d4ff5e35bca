"""The commands, by what they are about. They import click alone until one runs, so that --help is instant."""
