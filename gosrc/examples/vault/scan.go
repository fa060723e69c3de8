package main

import (
	"context"
	"strings"

	"github.com/tidwall/buntdb"
)

// page is how many places a scan reads at once.
const page = 256

// Scan reads page by page, and gives the places while the database is not locked: whoever takes them may take their
// time, and may write.
func (s *store) Scan(ctx context.Context, prefix string) (func(yield func(Place, error) bool), error) {
	return func(yield func(Place, error) bool) {
		next := prefix
		for ctx.Err() == nil {
			places, err := s.page(next, prefix)
			for _, place := range places {
				if !yield(place, nil) {
					return
				}
			}
			if err != nil {
				yield(Place{}, err)
				return
			}
			if len(places) < page {
				return
			}
			next = places[page-1].Name + "\x00" // the least name that is greater
		}
	}, nil
}

// page is the first places from a name on that begin with prefix.
func (s *store) page(from, prefix string) (places []Place, err error) {
	err = s.each(func(tx *buntdb.Tx, visit func(key, value string) bool) error {
		return tx.AscendGreaterOrEqual("", from, func(key, value string) bool {
			return len(places) < page && strings.HasPrefix(key, prefix) && visit(key, value)
		})
	}, func(place Place) error {
		places = append(places, place)
		return nil
	})
	return places, err
}
