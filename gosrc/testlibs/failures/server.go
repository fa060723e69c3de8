// Everything that may go wrong in Go, on demand.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync/atomic"
	"time"

	"gosrc/gobind"
)

type server struct{ calls int64 }

func init() { RegisterFailures(new(server)) }

const bad = "a\xffb"

var epoch = time.Unix(0, 0).UTC()

// Errors

func (*server) Fail(_ context.Context, message string) error { return errors.New(message) }

func (*server) FailByType(context.Context) (string, error) {
	return "", &fs.PathError{Op: "open", Path: "/nowhere", Err: fs.ErrNotExist}
}

func (*server) FailInResult(_ context.Context, kind string) ([]Record, error) {
	return []Record{{Name: "dropped"}}, errors.New(kind)
}

func (*server) Find(_ context.Context, key string, tried []string, how string) (int, error) {
	found := NotFoundError{Key: key, Tried: tried}
	switch how {
	case "value":
		return 0, found
	case "pointer":
		return 0, &found
	case "wrapped":
		return 0, fmt.Errorf("store: %w", found)
	case "wrapped pointer twice":
		return 0, fmt.Errorf("store: %w", fmt.Errorf("shelf: %w", &found))
	}
	return 7, nil
}

func (s *server) FindLater(ctx context.Context, key string, tried []string, how string) (int, error) {
	return s.Find(ctx, key, tried, how)
}

func (*server) Boil(context.Context) error { return fmt.Errorf("kitchen: %w", TeapotError{}) }

func (*server) Breaks(_ context.Context, text string) (int, error) {
	record := Record{ID: 1, Name: "n", Moment: epoch, Color: ColorRed}
	switch text {
	case "name":
		record.Name = bad
	case "color":
		record.Color = 77
	case "moment":
		record.Moment = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return 0, BrokenError{Record: record}
}

// Deadlines

func (*server) Wait(ctx context.Context) error {
	<-ctx.Done()
	return fmt.Errorf("waited: %w", ctx.Err())
}

func (s *server) WaitLater(ctx context.Context) error { return s.Wait(ctx) }

func (*server) Expire(_ context.Context, wraps int) (string, error) {
	err := context.DeadlineExceeded
	for i := 0; i < wraps; i++ {
		err = fmt.Errorf("layer %d: %w", i, err)
	}
	return "", err
}

func (*server) HasDeadline(ctx context.Context) (bool, error) {
	_, has := ctx.Deadline()
	return has, nil
}

// Panics

type custom struct{ A, B int }

func explode(kind string) int {
	var table map[string]int
	var record *Record
	list := []int{1}
	switch kind {
	case "string":
		panic("boom")
	case "error":
		panic(fmt.Errorf("wrapped: %w", fs.ErrExist))
	case "nil map":
		table[kind] = 1
	case "index":
		return list[len(kind)]
	case "nil pointer":
		return int(record.ID)
	case "struct":
		panic(custom{1, 2})
	case "number":
		panic(42)
	case "bad text":
		panic(bad)
	case "type":
		return any(kind).(int)
	case "division":
		return 1 / len(table)
	case "goerror":
		panic(NotFoundError{Key: "k"})
	}
	return 5
}

func (*server) PanicWith(_ context.Context, kind string) (int, error) { return explode(kind), nil }

func (*server) PanicInRecord(_ context.Context, kind string) (Record, error) {
	return Record{ID: uint32(explode(kind))}, nil
}

func (*server) PanicLater(_ context.Context, kind string) (int, error) { return explode(kind), nil }

// Nothing

func (*server) NilBytes(context.Context) ([]byte, error) { return nil, nil }

func (*server) NilList(context.Context) ([]string, error) { return nil, nil }

func (*server) NilDict(context.Context) (map[string]int, error) { return nil, nil }

func (*server) NilSet(context.Context) (map[int]struct{}, error) { return nil, nil }

func (*server) NilOptional(context.Context) (*Record, error) { return nil, nil }

func (*server) NilBuffer(context.Context) ([]float64, error) { return nil, nil }

func (*server) NilUnion(_ context.Context, typed bool) (DotOrText, error) {
	if typed {
		return (*Dot)(nil), nil
	}
	return nil, nil
}

func (*server) NilInList(context.Context) ([]DotOrText, error) { return []DotOrText{Dot{1}, nil}, nil }

func (*server) NilInOptional(_ context.Context, typed bool) (DotOrText, error) {
	if typed {
		return (*Dot)(nil), nil
	}
	return nil, nil
}

func (*server) ZeroRecord(context.Context) (Record, error) { return Record{Color: ColorRed}, nil }

// Values that Python does not know

func (*server) UnknownColor(context.Context) (Color, error) { return 99, nil }

func (*server) UnknownColors(context.Context) ([]Color, error) {
	return []Color{ColorRed, ColorGreen, -5}, nil
}

func (*server) UnknownKey(context.Context) (map[Color]int, error) { return map[Color]int{88: 1}, nil }

func (*server) UnknownMood(context.Context) (Mood, error) { return "sour", nil }

func (*server) UnknownInRecord(context.Context) ([]Record, error) {
	return []Record{{Color: ColorRed, Moment: epoch}, {Color: 0, Moment: epoch}}, nil
}

func (*server) MoreAccess(context.Context) (Access, error) { return 1 | 64, nil }

func (*server) MoreStrict(context.Context) ([]Strict, error) { return []Strict{3, 8}, nil }

// Text that is none

func (*server) BadStr(context.Context) (string, error) { return bad, nil }

func (*server) BadStrs(_ context.Context, zero bool) ([]string, error) {
	if zero {
		return []string{"\x00", "é", bad}, nil
	}
	return []string{"fine", "é", bad, bad}, nil
}

func (*server) BadWords(context.Context) ([][]string, error) {
	return [][]string{{"fine"}, nil, {"x", bad}}, nil
}

func (*server) BadRecord(context.Context) (Record, error) {
	return Record{Name: bad, Moment: epoch, Color: ColorRed}, nil
}

func (s *server) BadRecords(ctx context.Context) ([]Record, error) {
	fine := Record{Name: "fine", Moment: epoch, Color: ColorRed}
	wrong, _ := s.BadRecord(ctx)
	return []Record{fine, wrong}, nil
}

func (*server) BadKey(context.Context) (map[string]int, error) { return map[string]int{bad: 1}, nil }

func (*server) BadValue(context.Context) (map[string]string, error) {
	return map[string]string{"key": bad}, nil
}

func (*server) BadItem(context.Context) (map[string]struct{}, error) {
	return map[string]struct{}{bad: {}}, nil
}

func (*server) BadOptional(context.Context) (*string, error) {
	text := bad
	return &text, nil
}

func (*server) BadTuple(context.Context) (TupleIntString, error) { return TupleIntString{1, bad}, nil }

func (*server) BadUnion(context.Context) (DotOrText, error) { return Text{bad}, nil }

func (*server) BadMessage(context.Context) error { return errors.New(bad) }

type badlyNamed struct{}

func (badlyNamed) Error() string { return "" }

func (*server) BadType(context.Context) error { return badlyNamed{} }

// Times

func (*server) FarTime(_ context.Context, year int) (time.Time, error) {
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), nil
}

func (s *server) FarTimes(ctx context.Context, year int) ([]time.Time, error) {
	far, _ := s.FarTime(ctx, year)
	return []time.Time{epoch, far}, nil
}

func (*server) OddOffset(_ context.Context, seconds int) (time.Time, error) {
	return epoch.In(time.FixedZone("odd", seconds)), nil
}

func (*server) LongSpan(context.Context) (time.Duration, error) { return math.MinInt64, nil }

// Numbers: LOOK is the one result that means something else.

const look = gobind.CheckStatus

func (*server) LookInt(context.Context) (int, error) { return look, nil }

func (*server) LookI64(context.Context) (int64, error) { return look, nil }

func (*server) LookI32(context.Context) (int32, error) {
	n := int64(look) // which need not fit
	return int32(n), nil
}

func (*server) LookU64(context.Context) (uint64, error) {
	n := int64(look)
	return uint64(n), nil
}

func (*server) LookLater(context.Context) (int, error) { return look, nil }

func (*server) NearLook(_ context.Context, distance int) (int, error) { return look + distance, nil }

func (*server) LeastI8(context.Context) (int8, error) { return math.MinInt8, nil }

func (*server) LeastI16(context.Context) (int16, error) { return math.MinInt16, nil }

func (*server) LeastI32(context.Context) (int32, error) { return math.MinInt32, nil }

func (*server) MostU8(context.Context) (uint8, error) { return math.MaxUint8, nil }

func (*server) MostU16(context.Context) (uint16, error) { return math.MaxUint16, nil }

func (*server) MostU32(context.Context) (uint32, error) { return math.MaxUint32, nil }

func (*server) LeastF32(context.Context) (float32, error) { return math.SmallestNonzeroFloat32, nil }

// Calls that must not be

func (s *server) Count(context.Context, string, uint8, []Record, *Color) error {
	atomic.AddInt64(&s.calls, 1)
	return nil
}

func (s *server) CountLater(context.Context, string, uint8) error {
	atomic.AddInt64(&s.calls, 1)
	return nil
}

func (s *server) Counted(context.Context) (int, error) { return int(atomic.LoadInt64(&s.calls)), nil }
