"""What a long life costs: leaks counted over many connections, and memory, descriptors and tasks watched over time."""
