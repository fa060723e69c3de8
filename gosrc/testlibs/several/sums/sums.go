// Package sums is a part of the library several.
package sums

import "context"

type sums struct{}

func init() { RegisterSums(sums{}) }

func (sums) AddUp(_ context.Context, numbers []int) (int, error) {
	sum := 0
	for i, number := range numbers {
		if number < 0 {
			return 0, NegativeError{At: i}
		}
		sum += number
	}
	return sum, nil
}
