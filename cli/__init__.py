"""The command line: `tnt`. The only room that prints."""
