"""The commands: parse, call one room, print."""
