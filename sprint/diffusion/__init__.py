"""The path from noise to data, what a network predicts on it, and how images are drawn."""
