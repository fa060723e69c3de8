package main

import (
	"context"
	"sync"
)

type upcalls struct{}

func init() { RegisterUpcalls(upcalls{}) }

type counter struct{ n int }

func (upcalls) Counter(context.Context) (Counter, error) { return new(counter), nil }

func (*counter) Add(_ context.Context, a, b int) (int, error) { return a + b, nil }

func (c *counter) Next(context.Context) (*int, error) {
	c.n++
	n := c.n
	return &n, nil
}

func (*counter) Close(context.Context) error { return nil }

func (upcalls) Call(ctx context.Context, f func(context.Context, int) (int, error), n int) (int, error) {
	sum := 0
	for i := 0; i < n; i++ {
		result, err := f(ctx, i)
		if err != nil {
			return 0, err
		}
		sum += result
	}
	return sum, nil
}

func (upcalls) CallFromGoroutines(
	ctx context.Context, f func(context.Context, int) (int, error), n, goroutines int,
) (int, error) {
	var wait sync.WaitGroup
	sums, errs := make([]int, goroutines), make([]error, goroutines)
	for g := range sums {
		wait.Add(1)
		go func(g int) {
			defer wait.Done()
			sums[g], errs[g] = upcalls{}.Call(ctx, f, n)
		}(g)
	}
	wait.Wait()
	sum := 0
	for g := range sums {
		if errs[g] != nil {
			return 0, errs[g]
		}
		sum += sums[g]
	}
	return sum, nil
}

func (upcalls) Numbers(_ context.Context, n int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		for i := 0; i < n && yield(i, nil); i++ {
		}
	}, nil
}

func (upcalls) Total(_ context.Context, numbers func(yield func(int, error) bool)) (sum int, err error) {
	numbers(func(n int, failed error) bool {
		sum, err = sum+n, failed
		return failed == nil
	})
	return sum, err
}
