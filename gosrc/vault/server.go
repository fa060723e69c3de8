// Places in BuntDB, an embedded key-value store with a spatial index.
package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
)

// memory is the path of a store that has no file.
const memory = ":memory:"

// server implements Vault: it knows the open stores by name and hands each call to one of them.
type server struct {
	mutex    sync.Mutex // calls come from many threads
	stores   map[string]*store
	memories int // how many stores in memory there were
}

func init() { RegisterVault(&server{stores: map[string]*store{}}) }

// Open returns the name of the store: the absolute path of its file, or a number in memory.
func (s *server) Open(_ context.Context, path string) (string, error) {
	if path == "" {
		return "", errors.New("a store needs a path, or " + memory)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	name := path
	if path == memory {
		s.memories++
		name = fmt.Sprint(memory, s.memories)
	} else {
		var err error
		if name, err = filepath.Abs(path); err != nil {
			return "", err
		}
		path = name
	}
	if s.stores[name] == nil {
		opened, err := openStore(path)
		if err != nil {
			return "", err
		}
		s.stores[name] = opened
	}
	return name, nil
}

func (s *server) Close(ctx context.Context, name string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	closing, err := s.find(name)
	if err != nil {
		return err
	}
	delete(s.stores, name)
	return closing.Close(ctx)
}

// find returns an open store. The mutex is held.
func (s *server) find(name string) (*store, error) {
	found := s.stores[name]
	if found == nil {
		return nil, NotOpenError{Store: name}
	}
	return found, nil
}

// with calls f, outside the mutex, with an open store.
func with[T any](s *server, name string, f func(*store) (T, error)) (T, error) {
	s.mutex.Lock()
	found, err := s.find(name)
	s.mutex.Unlock()
	if err != nil {
		var none T
		return none, err
	}
	return f(found)
}

func (s *server) Load(ctx context.Context, name string, places []Place) error {
	_, err := with(s, name, func(to *store) (struct{}, error) { return struct{}{}, to.Load(ctx, places) })
	return err
}

func (s *server) Get(ctx context.Context, name string, key string) (Place, error) {
	return with(s, name, func(from *store) (Place, error) { return from.Get(ctx, key) })
}

func (s *server) Nearest(
	ctx context.Context, name string, latitude float64, longitude float64, limit int,
) ([]Found, error) {
	return with(s, name, func(from *store) ([]Found, error) {
		return from.Nearest(ctx, latitude, longitude, limit)
	})
}

func (s *server) Inside(
	ctx context.Context, name string, south float64, west float64, north float64, east float64,
) ([]Place, error) {
	return with(s, name, func(from *store) ([]Place, error) {
		return from.Inside(ctx, south, west, north, east)
	})
}

func (s *server) Count(ctx context.Context, name string) (int, error) {
	return with(s, name, func(from *store) (int, error) { return from.Count(ctx) })
}
