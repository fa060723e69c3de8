// One version of a contract.
package main

import "context"

type server struct{}

func init() { RegisterVersions(server{}) }

func (server) First(_ context.Context, n int) (int, error) { return n + 1, nil }

func (server) User(_ context.Context, user *User) (User, error) { return *user, nil }

func (server) Color(_ context.Context, color Color) (Color, error) { return color, nil }

func (server) Two(_ context.Context, a int, b string) (string, error) { return b[:a], nil }

func (server) Later(_ context.Context, n int) (int, error) { return n + 1, nil }

func (server) Area(_ context.Context, size *Size, sizes []Size) (int, error) {
	area := int(size.Width) * int(size.Height)
	for _, s := range sizes {
		area += int(s.Width) * int(s.Height)
	}
	return area, nil
}

func (server) Find(_ context.Context, key string) error { return NotFoundError{Key: key} }
