package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gosrc/gobind"
)

// calls calls objects of Python.
type calls struct {
	sync.Mutex
	logger Logger
	merger Merger
}

func (c *calls) SetLogger(_ context.Context, logger Logger) error {
	c.Lock()
	defer c.Unlock()
	c.logger = logger
	return nil
}

// Log logs from goroutines of its own.
func (c *calls) Log(ctx context.Context, goroutines, each int) error {
	c.Lock()
	logger := c.logger
	c.Unlock()
	if logger == nil {
		return errors.New("there is no logger")
	}
	return parallel(goroutines, func(i int) error {
		for j := 0; j < each; j++ {
			enabled, err := logger.Enabled(ctx, j)
			if err == nil && enabled {
				err = logger.Log(ctx, j, fmt.Sprintf("%d: %d", i, j))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// parallel runs f in n goroutines and is the first error.
func parallel(n int, f func(i int) error) error {
	failures := make(chan error, n)
	for i := 0; i < n; i++ {
		go func(i int) { failures <- f(i) }(i)
	}
	var first error
	for i := 0; i < n; i++ {
		if err := <-failures; first == nil {
			first = err
		}
	}
	return first
}

func (*calls) Merge(ctx context.Context, merger Merger, key string, old, new []string) ([]string, error) {
	return merger.Merge(ctx, key, old, new)
}

// Login is right if Python spells the name in capitals.
func (*calls) Login(ctx context.Context, merger Merger, user *User) (bool, error) {
	upper, err := merger.Upper(ctx, user)
	return upper == User{"CHIHAI", user.Age}, err
}

func (*calls) Weigh(ctx context.Context, merger Merger, number int, factor float64) (float64, error) {
	return merger.Weigh(ctx, number, factor)
}

func (*calls) Huge(ctx context.Context, merger Merger, number uint64) (uint64, error) {
	return merger.Huge(ctx, number)
}

func (*calls) Pick(ctx context.Context, merger Merger, stores map[string]Store) (Store, error) {
	return merger.Pick(ctx, stores)
}

// IsSameMerger asks an object of Python for itself.
func (*calls) IsSameMerger(ctx context.Context, merger Merger) (bool, error) {
	again, err := merger.Again(ctx)
	if err != nil {
		return false, err
	}
	_, python := again.(gobind.FromPython)
	return python, nil
}

func (*calls) SumNumbers(ctx context.Context, merger Merger, n int) (int, error) {
	numbers, err := merger.Numbers(ctx, n)
	if err != nil {
		return 0, err
	}
	return sum(numbers)
}

func (*calls) TotalOf(ctx context.Context, merger Merger, n int) (int, error) {
	return merger.Total(ctx, func(yield func(int, error) bool) {
		for i := 0; i < n && yield(i, nil); i++ {
		}
	})
}

func (*calls) Fetch(ctx context.Context, fetcher Fetcher, url string) ([]byte, error) {
	return fetcher.Fetch(ctx, url)
}

func (*calls) FetchSize(ctx context.Context, fetcher Fetcher, url string) (int, error) {
	return fetcher.Size(ctx, url)
}

func (*calls) FetchStore(ctx context.Context, fetcher Fetcher, url string) (string, error) {
	store, err := fetcher.Open(ctx, url)
	if err != nil {
		return "", err
	}
	return store.Get(ctx, "name")
}

// FetchNow keeps its caller waiting for a method that runs on the event loop.
func (*calls) FetchNow(ctx context.Context, fetcher Fetcher, url string) ([]byte, error) {
	return fetcher.Fetch(ctx, url)
}

// FetchFor gives up after a while and says why.
func (*calls) FetchFor(ctx context.Context, fetcher Fetcher, url string, milliseconds int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(milliseconds)*time.Millisecond)
	defer cancel()
	if _, err := fetcher.Fetch(ctx, url); err != nil {
		return err.Error(), nil
	}
	return "", nil
}

func init() { RegisterCalls(&calls{}) }
