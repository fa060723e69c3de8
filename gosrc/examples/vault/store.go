package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/tidwall/buntdb"
)

// The two spatial indexes.
const (
	bySphere = "sphere" // points on the unit sphere, for distances
	byMap    = "map"    // longitude and latitude, for boxes
)

// store implements Store by one database: the names of places are the keys, places in JSON the values.
type store struct {
	db      *buntdb.DB
	file    *os.File // holds the lock on the database's file; nil in memory
	closing closing
	watches watches
}

// closing closes a store by calling end.
type closing func(s *store, end func() error) error

func openStore(path string, closing closing) (*store, error) {
	opened := &store{closing: closing}
	if path != memory {
		var err error
		if opened.file, err = claim(path); err != nil {
			return nil, err
		}
	}
	if err := opened.open(path); err != nil {
		opened.release()
		return nil, err
	}
	return opened, nil
}

func (s *store) open(path string) error {
	var err error
	if s.db, err = buntdb.Open(path); err != nil {
		return fmt.Errorf("%s is not a store of places: %w", path, err)
	}
	if err = s.prepare(); err != nil {
		_ = s.db.Close() // err says what went wrong first
		return fmt.Errorf("%s is not a store of places: %w", path, err)
	}
	return nil
}

// prepare checks all places, because the indexes cannot refuse one, and makes the indexes.
func (s *store) prepare() error {
	var config buntdb.Config
	if err := s.db.ReadConfig(&config); err != nil {
		return err
	}
	config.AutoShrinkDisabled = true // it replaces the file, and the lock is on the one that was there
	if err := s.db.SetConfig(config); err != nil {
		return err
	}
	err := s.each(func(tx *buntdb.Tx, visit func(key, value string) bool) error {
		return tx.Ascend("", visit)
	}, func(place Place) error { return check(&place) })
	if err != nil {
		return err
	}
	if err := s.db.CreateSpatialIndex(bySphere, "*", sphereRect); err != nil {
		return err
	}
	return s.db.CreateSpatialIndex(byMap, "*", mapRect)
}

// each calls f with the places that scan visits, until f fails.
func (s *store) each(scan func(*buntdb.Tx, func(key, value string) bool) error, f func(Place) error) error {
	return s.db.View(func(tx *buntdb.Tx) error {
		var failed error
		err := scan(tx, func(_, value string) bool {
			var place Place
			if place, failed = decode(value); failed == nil {
				failed = f(place)
			}
			return failed == nil
		})
		if err == nil {
			err = failed
		}
		return err
	})
}

func (s *store) Get(_ context.Context, name string) (Place, error) {
	var place Place
	err := s.db.View(func(tx *buntdb.Tx) error {
		value, err := tx.Get(name)
		if err == nil {
			place, err = decode(value)
		}
		return err
	})
	if errors.Is(err, buntdb.ErrNotFound) {
		err = NotFoundError{Key: name}
	}
	return place, err
}

// Nearest leaves the distances to the index, but the order among those that are equal but for rounding to
// the exact distances: it takes a few places more than asked for, and sorts.
func (s *store) Nearest(_ context.Context, latitude float64, longitude float64, limit int) ([]Found, error) {
	here := Place{Latitude: latitude, Longitude: longitude}
	if err := checkPosition(&here); err != nil {
		return nil, err
	}
	if limit < 0 {
		return nil, fmt.Errorf("limit must be 0 or more, got %d", limit)
	}
	var found []Found
	err := s.db.View(func(tx *buntdb.Tx) error {
		var failed error
		var enough float64 // the squared chord of the last place asked for
		err := tx.Nearby(bySphere, encode(&here), func(_, value string, squared float64) bool {
			if len(found) < limit {
				enough = squared
			} else if squared > enough+chordSlack {
				return false
			}
			var place Place
			if place, failed = decode(value); failed != nil {
				return false
			}
			found = append(found, Found{Place: place, Metres: metres(&here, &place)})
			return true
		})
		if err == nil {
			err = failed
		}
		return err
	})
	sort.Slice(found, func(i, j int) bool {
		if found[i].Metres != found[j].Metres {
			return found[i].Metres < found[j].Metres
		}
		return found[i].Place.Name < found[j].Place.Name
	})
	if len(found) > limit {
		found = found[:limit]
	}
	return found, err
}

func (s *store) Inside(
	_ context.Context, south float64, west float64, north float64, east float64,
) ([]Place, error) {
	for _, corner := range []Place{{Latitude: south, Longitude: west}, {Latitude: north, Longitude: east}} {
		if err := checkPosition(&corner); err != nil {
			return nil, err
		}
	}
	if south > north {
		return nil, fmt.Errorf("south must not be greater than north, got %v and %v", south, north)
	}
	var places []Place
	err := s.each(func(tx *buntdb.Tx, visit func(key, value string) bool) error {
		for _, span := range spans(west, east) {
			box := buntdb.Rect([]float64{span[0], south}, []float64{span[1], north})
			if err := tx.Intersects(byMap, box, visit); err != nil {
				return err
			}
		}
		return nil
	}, func(place Place) error {
		places = append(places, place)
		return nil
	})
	sort.Slice(places, func(i, j int) bool { return places[i].Name < places[j].Name })
	return places, err
}

func (s *store) Count(context.Context) (int, error) {
	count := 0
	err := s.db.View(func(tx *buntdb.Tx) (err error) {
		count, err = tx.Len()
		return err
	})
	return count, err
}

func (s *store) Close(context.Context) error {
	return s.closing(s, func() error {
		defer s.release()
		return s.db.Close()
	})
}

// check says what is wrong with a place that is to be stored.
func check(place *Place) error {
	if place.Name == "" {
		return errors.New("a place needs a name")
	}
	return checkPosition(place)
}

func encode(place *Place) string {
	text, err := json.Marshal(place)
	if err != nil {
		panic(err) // a position that is not a number, and those were refused
	}
	return string(text)
}

func decode(value string) (Place, error) {
	var place Place
	err := json.Unmarshal([]byte(value), &place)
	return place, err
}

// sphereRect places a value in the index bySphere. A query there is a place itself.
func sphereRect(value string) (min, max []float64) {
	place, _ := decode(value)
	point := onSphere(&place)
	return point[:], point[:]
}

// mapRect places a value in the index byMap. A query there is a box.
func mapRect(value string) (min, max []float64) {
	if strings.HasPrefix(value, "[") {
		return buntdb.IndexRect(value)
	}
	place, _ := decode(value)
	point := []float64{place.Longitude, place.Latitude}
	return point, point
}
