package main

import "context"

// feeds takes and gives numbers one by one.
type feeds struct{ more chan struct{} }

func init() { RegisterFeeds(&feeds{make(chan struct{})}) }

type numbers = func(yield func(int, error) bool)

type taker = func(context.Context, int) error

func (*feeds) Each(ctx context.Context, all numbers, f taker) (count int, err error) {
	all(func(n int, failed error) bool {
		if err = failed; err == nil {
			count++
			err = f(ctx, n)
		}
		return err == nil
	})
	return count, err
}

func (s *feeds) EachOf(ctx context.Context, feed Feed) (int, error) {
	all, err := feed.Numbers(ctx)
	if err != nil {
		return 0, err
	}
	return s.Each(ctx, all, feed.Take)
}

func (s *feeds) EachBlocking(ctx context.Context, all numbers, f taker) (int, error) {
	return s.Each(ctx, all, f)
}

func (s *feeds) EachLater(ctx context.Context, all numbers, f taker) (int, error) {
	return s.Each(ctx, all, f)
}

func (s *feeds) EachAsync(ctx context.Context, all numbers, f taker) (int, error) {
	return s.Each(ctx, all, f)
}

func (s *feeds) Burst(ctx context.Context, n int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		for i := 0; yield(i, nil); i++ {
			if i >= n-1 {
				select {
				case <-s.more:
				case <-ctx.Done():
					return
				}
			}
		}
	}, nil
}

func (s *feeds) GoOn(context.Context) error {
	s.more <- struct{}{}
	return nil
}
