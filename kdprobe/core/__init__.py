"""The vocabulary of kdprobe: what every other room speaks. Imports neither torch nor pandas."""
