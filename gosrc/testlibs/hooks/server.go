// Package main tests one-way functions.
package main

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
)

type hooks struct {
	mu   sync.Mutex
	kept func(Event)
	sum  int64
}

func init() { RegisterHooks(&hooks{}) }

func postTo(f func(Event), count int) {
	for i := 0; i < count; i++ {
		f(Event{i, strconv.Itoa(i)})
	}
}

func (h *hooks) Post(_ context.Context, f func(Event), count int) error {
	postTo(f, count)
	return nil
}

func (h *hooks) Spread(_ context.Context, f func(int, int), goroutines, each int) error {
	var done sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		done.Add(1)
		go func(g int) {
			defer done.Done()
			for i := 0; i < each; i++ {
				f(g, i)
			}
		}(g)
	}
	done.Wait()
	return nil
}

func (h *hooks) Keep(_ context.Context, f func(Event)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept = f
	return nil
}

func (h *hooks) PostKept(_ context.Context, count int) error {
	h.mu.Lock()
	f := h.kept
	h.mu.Unlock()
	if f != nil {
		postTo(f, count)
	}
	return nil
}

func (h *hooks) Configure(_ context.Context, config *Config) error {
	if config.OnEvent != nil {
		config.OnEvent(Event{-1, "configured"})
	}
	for _, tick := range config.Ticks {
		tick()
	}
	return nil
}

type thing int

func (t thing) Number(context.Context) (int, error) { return int(t), nil }

func (h *hooks) Things(_ context.Context, f func([]Thing), count int) error {
	made := make([]Thing, count)
	for i := range made {
		made[i] = thing(i)
	}
	f(made)
	return nil
}

func (h *hooks) Odd(_ context.Context, f func(any), isOdd bool) error {
	if isOdd {
		f(make(chan int))
	} else {
		f(map[string]any{"a": 1})
	}
	return nil
}

func (h *hooks) Returned(context.Context) (func(int), error) {
	return func(n int) { atomic.AddInt64(&h.sum, int64(n)) }, nil
}

func (h *hooks) Total(context.Context) (int, error) { return int(atomic.LoadInt64(&h.sum)), nil }

func (h *hooks) Echo(_ context.Context, f func(Event)) (func(Event), error) { return f, nil }
