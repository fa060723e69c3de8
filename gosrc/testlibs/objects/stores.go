package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"

	"gosrc/gobind"
)

// memory is a Store in a map.
type memory struct {
	name string
	sync.Mutex
	values map[string]string
	closed bool
}

func newMemory(name string) *memory { return &memory{name: name, values: map[string]string{}} }

func (m *memory) Set(_ context.Context, key, value string) error {
	m.Lock()
	defer m.Unlock()
	m.values[key] = value
	return nil
}

func (m *memory) Get(_ context.Context, key string) (string, error) {
	m.Lock()
	defer m.Unlock()
	value, ok := m.values[key]
	if !ok {
		return "", fmt.Errorf("%s: %w", m.name, NotFoundError{key})
	}
	return value, nil
}

func (m *memory) Count(context.Context) (int, error) {
	m.Lock()
	defer m.Unlock()
	return len(m.values), nil
}

func (m *memory) Scan(_ context.Context, prefix string) (func(yield func(string, error) bool), error) {
	m.Lock()
	defer m.Unlock()
	var keys []string
	for key := range m.values {
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

func (m *memory) Close(context.Context) error {
	m.Lock()
	defer m.Unlock()
	if m.closed {
		return fmt.Errorf("%s is closed already", m.name)
	}
	m.closed = true
	return nil
}

type stores struct {
	sync.Mutex
	kept Store
}

func (*stores) Open(_ context.Context, name string) (Store, error)      { return newMemory(name), nil }
func (*stores) OpenLater(_ context.Context, name string) (Store, error) { return newMemory(name), nil }
func (*stores) Same(_ context.Context, a, b Store) (bool, error)        { return a == b, nil }
func (*stores) Echo(_ context.Context, store Store) (Store, error)      { return store, nil }

func (*stores) IsGo(_ context.Context, store Store) (bool, error) {
	_, python := store.(gobind.FromPython)
	return !python, nil
}

func (*stores) Many(_ context.Context, n int) ([]Store, error) {
	made := make([]Store, n)
	for i := range made {
		made[i] = newMemory(fmt.Sprint(i))
	}
	return made, nil
}

func (*stores) ByName(_ context.Context, stores map[string]Store) (map[string]Store, error) {
	return stores, nil
}

func (*stores) Maybe(_ context.Context, store Store) (Store, error)        { return store, nil }
func (*stores) Shelve(_ context.Context, shelves []Shelf) ([]Shelf, error) { return shelves, nil }

func (*stores) Pair(ctx context.Context, store Store) (TupleStoreString, error) {
	value, err := store.Get(ctx, "name")
	return TupleStoreString{store, value}, err
}

func (s *stores) Keep(_ context.Context, store Store) error {
	s.Lock()
	defer s.Unlock()
	s.kept = store
	return nil
}

func (s *stores) Kept(context.Context) (Store, error) {
	s.Lock()
	defer s.Unlock()
	return s.kept, nil
}

// plainLogger is a Logger without a pointer: all of them are the same value.
type plainLogger struct{}

func (plainLogger) Log(context.Context, int, string) error             { return nil }
func (plainLogger) Enabled(_ context.Context, level int) (bool, error) { return level > 1, nil }

func (*stores) PlainLogger(context.Context) (Logger, error) { return plainLogger{}, nil }

func init() { RegisterStores(&stores{}) }
