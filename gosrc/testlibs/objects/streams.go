package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// streams gives streams.
type streams struct {
	active   int64         // how many of them run
	produced int64         // how many items a counted stream has given
	gate     chan struct{} // what gated streams wait for
}

// begin counts a running stream until what it returns is called.
func (s *streams) begin() (end func()) {
	atomic.AddInt64(&s.active, 1)
	return func() { atomic.AddInt64(&s.active, -1) }
}

func (s *streams) Ints(_ context.Context, n int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		defer s.begin()()
		for i := 0; i < n && yield(i, nil); i++ {
		}
	}, nil
}

// Words fails at a word, with the contract's error if that is not empty.
func (s *streams) Words(_ context.Context, words []string, failAt int) (func(yield func(string, error) bool), error) {
	return func(yield func(string, error) bool) {
		defer s.begin()()
		for i, word := range words {
			var err error
			if i == failAt {
				err = errors.New("no word")
				if word != "" {
					err = fmt.Errorf("word %d: %w", i, NotFoundError{word})
				}
			}
			if !yield(word, err) {
				return
			}
		}
	}, nil
}

// Forever counts until its context ends, a little slower than it could.
func (s *streams) Forever(ctx context.Context) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		defer s.begin()()
		for i := 0; ctx.Err() == nil && yield(i, nil); i++ {
		}
		<-ctx.Done()
	}, nil
}

// Counted counts what it gives, from 1.
func (s *streams) Counted(context.Context) (func(yield func(int, error) bool), error) {
	atomic.StoreInt64(&s.produced, 0)
	return func(yield func(int, error) bool) {
		defer s.begin()()
		for yield(int(atomic.AddInt64(&s.produced, 1)), nil) {
		}
	}, nil
}

func (s *streams) Produced(context.Context) (int, error) {
	return int(atomic.LoadInt64(&s.produced)), nil
}

// Gated gives one item, and another one each time the gate is opened.
func (s *streams) Gated(ctx context.Context) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		defer s.begin()()
		for i := 0; yield(i, nil); i++ {
			select {
			case <-s.gate:
			case <-ctx.Done():
				return
			}
		}
	}, nil
}

func (s *streams) OpenGate(context.Context) error {
	s.gate <- struct{}{}
	return nil
}

// Stubborn does not look at its context, nor at what yield says for the first 1000 items.
func (s *streams) Stubborn(context.Context) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		defer s.begin()()
		for i := 0; yield(i, nil) || i < 1000; i++ {
		}
	}, nil
}

func (s *streams) Panics(_ context.Context, after int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		defer s.begin()()
		for i := 0; i < after && yield(i, nil); i++ {
		}
		panic("the stream panics")
	}, nil
}

// Slow sleeps before each number.
func (s *streams) Slow(ctx context.Context, n, milliseconds int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		defer s.begin()()
		for i := 0; i < n; i++ {
			select {
			case <-ctx.Done():
				yield(0, ctx.Err())
				return
			case <-time.After(time.Duration(milliseconds) * time.Millisecond):
			}
			if !yield(i, nil) {
				return
			}
		}
	}, nil
}

func (*streams) Refused(context.Context) (func(yield func(int, error) bool), error) {
	return nil, NotFoundError{"stream"}
}

func each[T any](s *streams, items []T) func(yield func(T, error) bool) {
	return func(yield func(T, error) bool) {
		defer s.begin()()
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func (s *streams) Users(_ context.Context, users []User) (func(yield func(User, error) bool), error) {
	return each(s, users), nil
}

func (s *streams) Stores(_ context.Context, n int) (func(yield func(Store, error) bool), error) {
	return func(yield func(Store, error) bool) {
		defer s.begin()()
		for i := 0; i < n && yield(newMemory(fmt.Sprint(i)), nil); i++ {
		}
	}, nil
}

// Echo gives back what it takes, as it comes.
func (s *streams) Echo(
	_ context.Context, users func(yield func(User, error) bool),
) (func(yield func(User, error) bool), error) {
	return func(yield func(User, error) bool) {
		defer s.begin()()
		users(yield)
	}, nil
}

func sum(numbers func(yield func(int, error) bool)) (total int, err error) {
	numbers(func(n int, failed error) bool {
		total, err = total+n, failed
		return failed == nil
	})
	return total, err
}

func (*streams) Sum(_ context.Context, numbers func(yield func(int, error) bool)) (int, error) {
	return sum(numbers)
}

func (*streams) SumLater(_ context.Context, numbers func(yield func(int, error) bool)) (int, error) {
	return sum(numbers)
}

// First takes n numbers and leaves the rest.
func (*streams) First(_ context.Context, numbers func(yield func(int, error) bool), n int) (taken []int, err error) {
	numbers(func(number int, failed error) bool {
		err = failed
		if failed == nil {
			taken = append(taken, number)
		}
		return failed == nil && len(taken) < n
	})
	return taken, err
}

func (s *streams) Active(context.Context) (int, error) { return int(atomic.LoadInt64(&s.active)), nil }

type machine struct{}

func (machine) Goroutines(context.Context) (int, error) { return runtime.NumGoroutine(), nil }
func (machine) Nothing(context.Context) error           { return nil }

func (machine) Gc(context.Context) error {
	runtime.GC()
	runtime.GC()
	return nil
}

func init() {
	RegisterStreams(&streams{gate: make(chan struct{})})
	RegisterMachine(machine{})
}
