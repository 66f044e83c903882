"""What the checker says of mutated trees, beside what the mutated allocator does."""
