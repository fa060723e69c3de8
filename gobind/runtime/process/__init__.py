"""The library as a file of this process: finding, opening, its functions, and Go's runtime inside it."""
