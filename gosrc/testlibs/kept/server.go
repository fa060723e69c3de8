// Package main implements the contract that tests/live/kept keeps a library of.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func init() {
	RegisterValues(values{})
	RegisterCalls(&calls{})
	RegisterMemory(memory{})
	RegisterObjects(&objects{})
}

type values struct{}

func (values) EchoLeaves(_ context.Context, value *Leaves, values []Leaves) ([]Leaves, error) {
	return append(values, *value), nil
}

func (values) ShowLeaves(_ context.Context, value *Leaves) (string, error) { return show(value) }

func (values) EchoContainers(_ context.Context, value *Containers, values []Containers) ([]Containers, error) {
	return append(values, *value), nil
}

func (values) ShowContainers(_ context.Context, value Containers) (string, error) { return show(value) }

func show(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

func (values) EchoAny(_ context.Context, value any) (any, error)    { return value, nil }
func (values) EchoJSON(_ context.Context, value any) (any, error)   { return value, nil }
func (values) EchoScalar(_ context.Context, value any) (any, error) { return value, nil }

func (values) GoType(_ context.Context, value any) (string, error) {
	if list, ok := value.([]any); ok {
		types := make([]string, len(list))
		for i, item := range list {
			types[i] = fmt.Sprintf("%T", item)
		}
		return strings.Join(types, " "), nil
	}
	return fmt.Sprintf("%T", value), nil
}

func (values) Waves(_ context.Context, wave complex128, waves []complex128) ([]complex128, error) {
	return append(waves, wave), nil
}

func (values) Text(_ context.Context, size int) (string, error) {
	return strings.Repeat("x", size), nil
}
func (values) Add(_ context.Context, a, b int32) (int, error)      { return int(a) + int(b), nil }
func (values) IsLess(_ context.Context, a, b uint64) (bool, error) { return a < b, nil }
func (values) Root(_ context.Context, a float64) (float64, error)  { return math.Sqrt(a), nil }

type calls struct{ pushed int64 }

func (*calls) Later(ctx context.Context, text string, milliseconds int) (string, error) {
	select {
	case <-time.After(time.Duration(milliseconds) * time.Millisecond):
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (*calls) ByRing(_ context.Context, number int) (int, error) { return -number, nil }

func (c *calls) Push(_ context.Context, number int) error {
	atomic.AddInt64(&c.pushed, int64(number))
	return nil
}

func (c *calls) Pushed(context.Context) (int, error) { return int(atomic.LoadInt64(&c.pushed)), nil }

func (*calls) Wait(ctx context.Context, milliseconds int) (int, error) {
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	return milliseconds, ctx.Err()
}

func (*calls) Hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (*calls) Fail(_ context.Context, kind string) error {
	switch kind {
	case "found":
		return fmt.Errorf("wrapped: %w", NotFoundError{Key: kind, Tries: []int{1, 2}})
	case "panic":
		panic("at the disco")
	}
	return errors.New(kind)
}

func (c *calls) FailLater(ctx context.Context, kind string) (int, error) { return 0, c.Fail(ctx, kind) }

type memory struct{}

func (memory) Fill(_ context.Context, buffer []uint16, value uint16) (uint64, error) {
	for i := range buffer {
		buffer[i] = value
	}
	return uint64(len(buffer)), nil
}

func (memory) Sum(_ context.Context, buffer []float64) (float64, error) {
	sum := 0.0
	for _, number := range buffer {
		sum += number
	}
	return sum, nil
}

func (memory) Squares(_ context.Context, n int) ([]int64, error) {
	made := make([]int64, n)
	for i := range made {
		made[i] = int64(i) * int64(i)
	}
	return made, nil
}

// store is a Store in a map.
type store struct {
	mu     sync.Mutex
	values map[string]string
}

func newStore(name string) *store { return &store{values: map[string]string{"name": name}} }

func (s *store) Set(_ context.Context, key, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = value
	return nil
}

func (s *store) Get(_ context.Context, key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.values[key]
	if !ok {
		return "", NotFoundError{Key: key}
	}
	return value, nil
}

func (s *store) Keys(_ context.Context, prefix string) (func(yield func(string, error) bool), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key := range s.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return func(yield func(string, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}, nil
}

func (s *store) Close(context.Context) error { return nil }

type objects struct {
	mu   sync.Mutex
	kept Store
}

func (*objects) Open(_ context.Context, name string) (Store, error)      { return newStore(name), nil }
func (*objects) OpenLater(_ context.Context, name string) (Store, error) { return newStore(name), nil }

func (*objects) Stores(_ context.Context, names []string) (map[string]Store, error) {
	made := map[string]Store{}
	for _, name := range names {
		made[name] = newStore(name)
	}
	return made, nil
}

func (*objects) Same(_ context.Context, a, b Store) (bool, error) { return a == b, nil }

func (*objects) Copy(ctx context.Context, source, to Store, prefix string) (int, error) {
	keys, err := source.Keys(ctx, prefix)
	if err != nil {
		return 0, err
	}
	n := 0
	keys(func(key string, failed error) bool {
		value := ""
		if err = failed; err == nil {
			value, err = source.Get(ctx, key)
		}
		if err == nil {
			err = to.Set(ctx, key, value)
		}
		n++
		return err == nil
	})
	if n == 0 {
		return 0, NotFoundError{Key: prefix, Tries: []int{n}}
	}
	return n, err
}

func (o *objects) Keep(_ context.Context, store Store) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = store
	return nil
}

func (o *objects) Kept(context.Context) (Store, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept, nil
}

func (*objects) Fetch(ctx context.Context, fetcher Fetcher, keys []string) ([][]byte, error) {
	made := make([][]byte, len(keys))
	failed := make(chan error, len(keys))
	for i := range keys {
		go func(i int) {
			data, err := fetcher.Fetch(ctx, keys[i])
			made[i] = data
			failed <- err
		}(i)
	}
	var err error
	for range keys {
		if e := <-failed; e != nil {
			err = e
		}
	}
	return made, err
}

func (*objects) Count(ctx context.Context, fetcher Fetcher, key string) (int, error) {
	return fetcher.Count(ctx, key)
}

func (*objects) Apply(ctx context.Context, f func(context.Context, int) (int, error), n int) (int, error) {
	return f(ctx, n)
}

func (*objects) Describe(
	ctx context.Context, f func(context.Context, *Tree) (string, error), tree *Tree,
) (string, error) {
	return f(ctx, tree)
}

func (*objects) ApplyLater(ctx context.Context, f func(context.Context, int) (int, error), n int) (int, error) {
	return f(ctx, n)
}

func (*objects) Spread(
	ctx context.Context, f func(context.Context, int) (int, error), goroutines, each int,
) (int, error) {
	var sum int64
	failed := make(chan error, goroutines)
	for g := 0; g < goroutines; g++ {
		go func() {
			for i := 0; i < each; i++ {
				n, err := f(ctx, i)
				if err != nil {
					failed <- err
					return
				}
				atomic.AddInt64(&sum, int64(n))
			}
			failed <- nil
		}()
	}
	var err error
	for g := 0; g < goroutines; g++ {
		if e := <-failed; e != nil {
			err = e
		}
	}
	return int(sum), err
}

func (*objects) Adder(_ context.Context, n int) (func(context.Context, int) (int, error), error) {
	return func(_ context.Context, m int) (int, error) { return n + m, nil }, nil
}

func (*objects) Post(_ context.Context, f func(Event), count int) error {
	for i := 0; i < count; i++ {
		f(Event{i, fmt.Sprint(i)})
	}
	return nil
}

func (*objects) Numbers(_ context.Context, n int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		for i := 0; i < n && yield(i, nil); i++ {
		}
	}, nil
}

func (*objects) Rows(
	_ context.Context, rows func(yield func(Row, error) bool),
) (func(yield func(Row, error) bool), error) {
	return rows, nil
}

func (o *objects) Slow(ctx context.Context, n int) (func(yield func(int, error) bool), error) {
	return o.Numbers(ctx, n)
}

func (*objects) Sum(_ context.Context, numbers func(yield func(int, error) bool)) (int, error) {
	sum := 0
	var err error
	numbers(func(n int, failed error) bool {
		sum, err = sum+n, failed
		return err == nil
	})
	return sum, err
}

func (*objects) Get(_ context.Context, url string, chunks int) (Response, error) {
	body := func(yield func([]byte, error) bool) {
		for i := 0; i < chunks && yield([]byte(fmt.Sprint(i)), nil); i++ {
		}
	}
	return Response{Status: 200, Store: newStore(url), Body: body}, nil
}

func (*objects) Put(ctx context.Context, upload *Upload) ([]byte, error) {
	var all bytes.Buffer
	var err error
	upload.Body(func(chunk []byte, failed error) bool {
		all.Write(chunk)
		err = failed
		return err == nil
	})
	if err == nil && upload.Done != nil {
		err = (upload.Done)(ctx, all.Len())
	}
	return all.Bytes(), err
}
