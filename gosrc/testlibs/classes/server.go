// Takes and returns structs that are dataclasses, NamedTuples and TypedDicts in Python.
package main

import (
	"context"
	"fmt"
	"strings"
)

type places struct{}

func init() { RegisterPlaces(places{}) }

func (places) Describe(ctx context.Context, options *Options) (string, error) {
	hours, nick := "missing", "missing"
	if options.Hours != nil {
		hours = fmt.Sprint(*options.Hours)
	}
	if options.Nick != nil {
		nick = "None"
		if *options.Nick != nil {
			nick = **options.Nick
		}
	}
	return fmt.Sprintf("day %s, hours %s, nick %s", options.Day, hours, nick), nil
}

func (places) Made(ctx context.Context, n int) (Options, error) {
	made := Options{Day: "mon"}
	hours, nick := uint8(n), "n"
	pointer := &nick
	if n == -1 {
		pointer = nil
	}
	if n == -1 || n > 1 {
		made.Nick = &pointer
	}
	if n > 0 {
		made.Hours = &hours
	}
	return made, nil
}

func (places) Move(ctx context.Context, points []Point, by *Point) ([]Point, error) {
	for i := range points {
		points[i].X += by.X
		points[i].Y += by.Y
	}
	return points, nil
}

func (places) Points(ctx context.Context, pages []PagePlace) (PagePoint, error) {
	var made PagePoint
	for i := range pages {
		for page := &pages[i]; page != nil; page = page.Next {
			for _, place := range page.Items {
				made.Items = append(made.Items, place.At)
			}
		}
	}
	return made, nil
}

func (places) Names(ctx context.Context, page *PagePlace) (PageStr, error) {
	var made PageStr
	for _, place := range page.Items {
		made.Items = append(made.Items, strings.Join(append([]string{place.Name}, place.Tags...), " "))
	}
	if page.Next != nil {
		next, err := places{}.Names(ctx, page.Next)
		made.Next = &next
		return made, err
	}
	return made, nil
}

func (places) Broken(ctx context.Context, n int) (PagePlace, error) {
	made := PagePlace{Items: make([]Place, n)}
	made.Items[n-1].Options.Day = "\xff"
	return made, nil
}

func (places) Fail(ctx context.Context, at *Point, options *Options) error {
	return &UnknownError{At: *at, Options: *options}
}

func (places) Ask(ctx context.Context, answer func(context.Context, *Options, *Point) (PagePoint, error)) (float64, error) {
	hours := uint8(7)
	page, err := answer(ctx, &Options{Day: "tue", Hours: &hours}, &Point{X: 1, Y: 2})
	total := 0.0
	for _, point := range page.Items {
		total += point.X + point.Y
	}
	return total, err
}

func (places) Later(ctx context.Context, place *Place) (Place, error) {
	place.Name = strings.ToUpper(place.Name)
	return *place, nil
}

func (places) Each(ctx context.Context, points func(yield func(Point, error) bool)) (func(yield func(Options, error) bool), error) {
	return func(yield func(Options, error) bool) {
		points(func(point Point, err error) bool {
			return yield(Options{Day: fmt.Sprint(point.X, point.Y)}, err)
		})
	}, nil
}

func (places) Total(ctx context.Context, points []Point) (float64, error) {
	total := 0.0
	for _, point := range points {
		total += point.X + point.Y
	}
	return total, nil
}
