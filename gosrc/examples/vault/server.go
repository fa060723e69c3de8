// Places in BuntDB, an embedded key-value store with a spatial index.
package main

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
)

// memory is the path of a store that has no file.
const memory = ":memory:"

// server implements Vault: it knows the open files.
type server struct {
	mutex sync.Mutex // calls come from many threads
	files map[string]*store
}

func init() { RegisterVault(&server{files: map[string]*store{}}) }

// Open opens a file once, however often it is asked for.
func (s *server) Open(_ context.Context, path string) (Store, error) {
	switch path {
	case "":
		return nil, errors.New("a store needs a path, or " + memory)
	case memory:
		return openStore(path, func(_ *store, end func() error) error { return end() })
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if opened := s.files[path]; opened != nil {
		return opened, nil
	}
	opened, err := openStore(path, func(closing *store, end func() error) error {
		s.mutex.Lock() // nobody may open the file before it is closed
		defer s.mutex.Unlock()
		if s.files[path] == closing {
			delete(s.files, path)
		}
		return end()
	})
	if err != nil {
		return nil, err
	}
	s.files[path] = opened
	return opened, nil
}
