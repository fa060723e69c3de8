package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"gosrc/gobind"
)

type intFunc = func(context.Context, int) (int, error)

// functions calls functions of Python.
type functions struct {
	sync.Mutex
	kept   intFunc
	failed error
}

func (*functions) Apply(ctx context.Context, f intFunc, n int) (int, error) { return f(ctx, n) }

func (*functions) Describe(
	ctx context.Context, f func(context.Context, *User) (string, error), user *User,
) (string, error) {
	return f(ctx, user)
}

func (*functions) Run(ctx context.Context, f func(context.Context) error) error { return f(ctx) }

func (*functions) ApplyLater(ctx context.Context, f intFunc, n int) (int, error) { return f(ctx, n) }

// Spread is the sum of f's results for the numbers below each, from as many goroutines.
func (*functions) Spread(ctx context.Context, f intFunc, goroutines, each int) (int, error) {
	total := int64(0)
	err := parallel(goroutines, func(int) error {
		for i := 0; i < each; i++ {
			n, err := f(ctx, i)
			if err != nil {
				return err
			}
			atomic.AddInt64(&total, int64(n))
		}
		return nil
	})
	return int(total), err
}

func (s *functions) Keep(_ context.Context, f func(context.Context, int) (int, error)) error {
	s.Lock()
	defer s.Unlock()
	s.kept = f
	return nil
}

func (s *functions) CallKept(ctx context.Context, n int) (int, error) {
	s.Lock()
	f := s.kept
	s.Unlock()
	if f == nil {
		return 0, errors.New("no function is kept")
	}
	return f(ctx, n)
}

func (*functions) Adder(_ context.Context, n int) (func(context.Context, int) (int, error), error) {
	return func(_ context.Context, m int) (int, error) { return n + m, nil }, nil
}

func (*functions) Compose(
	_ context.Context, all []func(context.Context, int) (int, error),
) (func(context.Context, int) (int, error), error) {
	return func(ctx context.Context, n int) (int, error) {
		for _, f := range all {
			made, err := f(ctx, n)
			if err != nil {
				return 0, err
			}
			n = made
		}
		return n, nil
	}, nil
}

// Reenter calls f, which may call Reenter with one less.
func (*functions) Reenter(ctx context.Context, f intFunc, depth int) (int, error) {
	if depth == 0 {
		return 0, nil
	}
	n, err := f(ctx, depth-1)
	return n + 1, err
}

// Find turns the contract's error, raised in Python, into a result.
func (*functions) Find(ctx context.Context, f func(context.Context, string) (string, error), key string) (string, error) {
	found, err := f(ctx, key)
	var missing NotFoundError
	if errors.As(err, &missing) {
		return "no " + missing.Key, nil
	}
	return found, err
}

// WhatFailed is what Go sees of an exception: class, message, and what it is to errors.Is.
func (*functions) WhatFailed(ctx context.Context, f intFunc) ([]string, error) {
	_, err := f(ctx, 0)
	var python *gobind.PythonError
	if !errors.As(err, &python) {
		return []string{fmt.Sprintf("%T", err), fmt.Sprint(err)}, nil
	}
	is := ""
	switch {
	case errors.Is(err, context.Canceled):
		is = "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		is = "deadline"
	}
	return []string{python.Type, python.Message, is}, nil
}

// FailWith returns the error of f, and keeps it.
func (s *functions) FailWith(ctx context.Context, f intFunc, wrap bool) (int, error) {
	n, err := f(ctx, 0)
	if wrap && err != nil {
		err = fmt.Errorf("f: %w", err)
	}
	s.Lock()
	defer s.Unlock()
	s.failed = err
	return n, err
}

// RaiseKept returns the error of FailWith once more, and forgets it.
func (s *functions) RaiseKept(context.Context) error {
	s.Lock()
	defer s.Unlock()
	err := s.failed
	s.failed = nil
	return err
}

func init() { RegisterFunctions(&functions{}) }
