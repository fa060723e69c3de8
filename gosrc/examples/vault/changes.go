package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/tidwall/buntdb"
)

// Load asks nobody.
func (s *store) Load(ctx context.Context, places []Place) error {
	if err := checkAll(places); err != nil {
		return err
	}
	changes, err := s.write(places, nil)
	if err != nil {
		return err
	}
	return s.watches.tell(ctx, changes)
}

// Merge asks the rule, which is Python's, before it writes: a database that is locked must not wait for Python. If
// another one has written meanwhile it asks again.
func (s *store) Merge(ctx context.Context, places []Place, rule Rule) (int, error) {
	if err := checkAll(places); err != nil {
		return 0, err
	}
	for {
		wanted, seen, err := s.decide(ctx, places, rule)
		if err != nil {
			return 0, err
		}
		changes, err := s.write(wanted, seen)
		if errors.Is(err, errMeanwhile) {
			continue
		}
		if err != nil {
			return 0, err
		}
		return len(changes), s.watches.tell(ctx, changes)
	}
}

// decide is what a merge comes to, and what the store had when that was decided.
func (s *store) decide(ctx context.Context, places []Place, rule Rule) ([]Place, map[string]*Place, error) {
	seen, merged := map[string]*Place{}, map[string]Place{}
	var names []string
	for i := range places {
		place := places[i]
		name := place.Name
		old, again := merged[name]
		if !again {
			names = append(names, name)
			found, err := s.Get(ctx, name)
			if errors.As(err, new(NotFoundError)) {
				seen[name], merged[name] = nil, place
				continue
			} else if err != nil {
				return nil, nil, err
			}
			seen[name], old = &found, found
		}
		made, err := rule.Merge(ctx, &old, &place)
		if err == nil && made.Name != name {
			err = fmt.Errorf("the rule made %q of two places named %q", made.Name, name)
		}
		if err == nil {
			err = check(&made)
		}
		if err != nil {
			return nil, nil, err
		}
		merged[name] = made
	}
	wanted := make([]Place, len(names))
	for i, name := range names {
		wanted[i] = merged[name]
	}
	return wanted, seen, nil
}

var errMeanwhile = errors.New("the store has changed meanwhile")

// write puts places into the database, unless it does not have what was seen any more, and is what that has changed.
func (s *store) write(places []Place, seen map[string]*Place) (changes []Change, err error) {
	err = s.db.Update(func(tx *buntdb.Tx) error {
		for i := range places {
			place := places[i]
			text, replaced, err := tx.Set(place.Name, encode(&place), nil)
			if err != nil {
				return err
			}
			change := Change{Place: place}
			if replaced {
				before, err := decode(text)
				if err != nil {
					return err
				}
				change.Before = &before
			}
			if seen != nil && !reflect.DeepEqual(seen[place.Name], change.Before) {
				return errMeanwhile // which takes back what was written
			}
			if change.Before == nil || !reflect.DeepEqual(*change.Before, place) {
				changes = append(changes, change)
			}
		}
		return nil
	})
	return changes, err
}

func checkAll(places []Place) error {
	for i := range places {
		if err := check(&places[i]); err != nil {
			return fmt.Errorf("places[%d]: %w", i, err)
		}
	}
	return nil
}

// watches are the functions to be called for changes.
type watches struct {
	sync.Mutex
	open []*watch
}

// watch implements Watch.
type watch struct {
	of      *watches
	changed func(context.Context, *Change) error
}

func (s *store) Watch(_ context.Context, changed func(context.Context, *Change) error) (Watch, error) {
	s.watches.Lock()
	defer s.watches.Unlock()
	made := &watch{&s.watches, changed}
	s.watches.open = append(s.watches.open, made)
	return made, nil
}

func (w *watch) Close(context.Context) error {
	w.of.Lock()
	defer w.of.Unlock()
	var others []*watch // a new slice, as tell may be reading the old one
	for _, other := range w.of.open {
		if other != w {
			others = append(others, other)
		}
	}
	w.of.open = others
	return nil
}

// tell calls the functions, with no lock held: they are Python's, and may do anything with the store.
func (w *watches) tell(ctx context.Context, changes []Change) error {
	w.Lock()
	open := w.open
	w.Unlock()
	for i := range changes {
		for _, each := range open {
			if err := each.changed(ctx, &changes[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
