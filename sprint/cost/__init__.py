"""What a network costs: FLOPs and memory, counted and never measured."""
