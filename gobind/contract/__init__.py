"""What users write and what it means: decorators and annotations, the type tree, its canonical text, validation."""
