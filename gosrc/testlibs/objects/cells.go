package main

import (
	"context"
	"fmt"
	"sync/atomic"
)

// cell answers by one method what Python asks by two names.
type cell struct{ count int64 }

func (*cell) Get(_ context.Context, key string) (string, error) { return "<" + key + ">", nil }
func (*cell) Only(context.Context) (int, error)                 { return 1, nil }

func (c *cell) Count(_ context.Context, by int) (int, error) {
	return int(atomic.AddInt64(&c.count, int64(by))), nil
}

func (*cell) Scan(_ context.Context, n int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		for i := 0; i < n && yield(i, nil); i++ {
		}
	}, nil
}

// cells calls cells of either side.
type cells struct{}

func (cells) Open(context.Context) (Cell, error) { return &cell{}, nil }

func (cells) Use(ctx context.Context, cell Cell, key string) ([]string, error) {
	value, err := cell.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	count, err := cell.Count(ctx, 2)
	if err != nil {
		return nil, err
	}
	scan, err := cell.Scan(ctx, 3)
	if err != nil {
		return nil, err
	}
	made := []string{value, fmt.Sprint(count)}
	scan(func(item int, itemErr error) bool {
		made, err = append(made, fmt.Sprint(item)), itemErr
		return err == nil
	})
	return made, err
}

func (cells) Wait(ctx context.Context, cell Cell) (int, error) { return cell.Only(ctx) }

func init() { RegisterCells(cells{}) }
