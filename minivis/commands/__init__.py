"""The commands, grouped by subject. They import only click until one runs, so that --help is instant."""
