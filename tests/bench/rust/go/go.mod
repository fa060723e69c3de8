module rust2gobench

go 1.20

// rust2go's Go half has no tagged version. Not every proxy passes on what the sum database knows of this one, so go.sum
// is kept here.
require github.com/ihciah/rust2go v0.0.0-20260314034108-6f06b0697c1b
