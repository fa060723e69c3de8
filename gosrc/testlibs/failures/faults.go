package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// faults gives errors whose own code is at fault.
type faults struct {
	sync.Mutex
	posts  []string
	posted *sync.Cond
}

func init() {
	f := &faults{}
	f.posted = sync.NewCond(f)
	RegisterFaults(f)
}

// pointerError has Error on the pointer, as most errors have.
type pointerError struct{ text string }

func (e *pointerError) Error() string { return e.text }

// listError has a text when it is nil.
type listError []error

func (e listError) Error() string { return fmt.Sprint(len(e), " errors") }

// scripted is an error whose methods do what the fields say.
type scripted struct {
	text   func() string
	is     func(error) bool
	as     func(any) bool
	unwrap func() error
}

func (e *scripted) Error() string {
	if e.text != nil {
		return e.text()
	}
	return "scripted"
}

func (e *scripted) Is(target error) bool { return e.is != nil && e.is(target) }
func (e *scripted) As(target any) bool   { return e.as != nil && e.as(target) }

func (e *scripted) Unwrap() error {
	if e.unwrap != nil {
		return e.unwrap()
	}
	return nil
}

// several wraps more than one error.
type several struct{ all func() []error }

func (e *several) Error() string   { return "several" }
func (e *several) Unwrap() []error { return e.all() }

// loud is a value that panics when it is printed.
type loud struct{}

func (loud) Error() string { panic(loud{}) }

// quitter is a value that ends the goroutine when it is printed.
type quitter struct{}

func (quitter) Error() string {
	runtime.Goexit()
	return ""
}

func exit() string {
	runtime.Goexit()
	return ""
}

// kinds are the faults, each an error or something worse.
var kinds = []struct {
	name string
	give func() error
}{
	{"nothing", func() error { return nil }},
	{"nil goerror", func() error { return (*NotFoundError)(nil) }},
	{"nil pointer", func() error { return (*pointerError)(nil) }},
	{"nil list", func() error { return listError(nil) }},
	{"wrapped nil", func() error { return fmt.Errorf("store: %w", (*NotFoundError)(nil)) }},
	{"Error panics", func() error { return &scripted{text: func() string { panic("no text") }} }},
	{"Error panics loudly", func() error { return &scripted{text: func() string { panic(loud{}) }} }},
	{"Is panics", func() error { return &scripted{is: func(error) bool { panic("no is") }} }},
	{"As panics", func() error { return &scripted{as: func(any) bool { panic("no as") }} }},
	{"Unwrap panics", func() error { return &scripted{unwrap: func() error { panic("no unwrap") }} }},
	{"list panics", func() error { return &several{func() []error { panic("no list") }} }},
	{"circle", func() error {
		circle := &scripted{}
		circle.unwrap = func() error { return circle }
		return circle
	}},
	{"circle of lists", func() error {
		circle := &several{}
		circle.all = func() []error { return []error{nil, circle, circle} }
		return circle
	}},
	{"error in a list", func() error {
		return &several{func() []error { return []error{nil, errors.New("x"), NotFoundError{Key: "k"}} }}
	}},
	{"deadline in a list", func() error {
		return &several{func() []error { return []error{nil, fmt.Errorf("late: %w", context.DeadlineExceeded)} }}
	}},
	{"As finds", func() error {
		return &scripted{as: func(target any) bool {
			found, ok := target.(*NotFoundError)
			if ok {
				found.Key = "found"
			}
			return ok
		}}
	}},
	{"panic", func() error { panic("it panics") }},
	{"loud panic", func() error { panic(loud{}) }},
	{"panic again", func() error {
		defer func() { panic(recover()) }()
		var table map[string]int
		table["k"] = 1
		return nil
	}},
	{"Goexit", func() error { runtime.Goexit(); return nil }},
	{"Goexit in Error", func() error { return &scripted{text: exit} }},
	{"Goexit in Unwrap", func() error { return &scripted{unwrap: func() error { runtime.Goexit(); return nil }} }},
	{"Goexit in panic", func() error { panic(quitter{}) }},
}

func give(kind string) error {
	for _, known := range kinds {
		if known.name == kind {
			return known.give()
		}
	}
	panic("unknown kind: " + kind)
}

func (*faults) Kinds(context.Context) (names []string, err error) {
	for _, known := range kinds {
		names = append(names, known.name)
	}
	return names, nil
}

func (*faults) Give(_ context.Context, kind string) (string, error) { return kind, give(kind) }

func (*faults) GivePlain(_ context.Context, index int) (int, error) {
	return index, kinds[index].give()
}

func (*faults) GiveLater(_ context.Context, kind string) (string, error)    { return kind, give(kind) }
func (*faults) GiveBlocking(_ context.Context, kind string) (string, error) { return kind, give(kind) }
func (*faults) GiveByRing(_ context.Context, kind string) (string, error)   { return kind, give(kind) }

func (f *faults) Post(_ context.Context, kind string) error {
	f.Lock()
	f.posts = append(f.posts, kind)
	f.posted.Broadcast()
	f.Unlock()
	return give(kind)
}

func (f *faults) Posted(_ context.Context, n int) ([]string, error) {
	f.Lock()
	defer f.Unlock()
	for len(f.posts) < n {
		f.posted.Wait()
	}
	posts := f.posts
	f.posts = nil
	return posts, nil
}

func (*faults) Stream(_ context.Context, kind string, after int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		for i := 0; i < after; i++ {
			if !yield(i, nil) {
				return
			}
		}
		if err := give(kind); err != nil {
			yield(0, err)
		}
	}, nil
}

func (f *faults) StreamLater(ctx context.Context, kind string, after int) (func(yield func(int, error) bool), error) {
	return f.Stream(ctx, kind, after)
}

func (*faults) GiveAt(_ context.Context, all numbers, at int, kind string) (count int, err error) {
	all(func(n int, failed error) bool {
		count, err = count+1, failed
		if n == at && err == nil {
			err = give(kind)
		}
		return err == nil
	})
	return count, err
}

func (*faults) Giver(context.Context) (func(context.Context, string) (string, error), error) {
	return func(_ context.Context, kind string) (string, error) { return kind, give(kind) }, nil
}

func (*faults) Ask(
	ctx context.Context, f func(context.Context, string) (string, error), kind string,
) (string, error) {
	return f(ctx, kind)
}
