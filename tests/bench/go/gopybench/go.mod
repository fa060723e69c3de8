module gopybench

go 1.24.0

require (
	github.com/go-python/gopy v0.4.10
	golang.org/x/tools v0.38.0
)
