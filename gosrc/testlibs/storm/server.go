// What the storm of signals calls. Go checks what Python gives it, and keeps what was wrong.
package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type (
	intFunc   = func(context.Context, int) (int, error)
	intStream = func(yield func(int, error) bool)
)

const lanes = 4

// server implements Storm.
type server struct {
	active int64 // streams that run

	sync.Mutex // for what follows
	wrongs     []string
	swallowed  []string // texts of errors that Go has not returned
	posted     [lanes][]int
	kept       intFunc
}

func init() { RegisterStorm(new(server)) }

// mix scrambles a number as tests/storms does.
func mix(n int) int {
	m := uint64(n)*6364136223846793005 + 1442695040888963407
	return int(m ^ m>>29)
}

func name(n int) string { return fmt.Sprintf("name %d é %d", n, mix(n)) }

func reversed(s string) string {
	runes := []rune(s)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}

func payload(n, size int) []byte {
	made := make([]byte, size)
	for i := range made {
		made[i] = byte(n + i)
	}
	return made
}

func item(n int) Item {
	return Item{ID: uint32(n), Name: name(n), Weight: float64(mix(n) >> 12), Tags: []string{name(n + 1), ""}}
}

// wrong keeps what was wrong.
func (s *server) wrong(format string, values ...any) {
	s.Lock()
	defer s.Unlock()
	if len(s.wrongs) < 1000 {
		s.wrongs = append(s.wrongs, fmt.Sprintf(format, values...))
	}
}

func (s *server) Wrongs(context.Context) ([]string, error) {
	s.Lock()
	defer s.Unlock()
	wrongs := s.wrongs
	s.wrongs = nil
	return wrongs, nil
}

func (s *server) Swallowed(context.Context) ([]string, error) {
	s.Lock()
	defer s.Unlock()
	swallowed := s.swallowed
	s.swallowed = nil
	return swallowed, nil
}

func (s *server) Stacks(context.Context) (string, error) {
	text := make([]byte, 1<<20)
	return string(text[:runtime.Stack(text, true)]), nil
}

// Values, in each way that a call can go.

func (s *server) Mix(_ context.Context, n int) (int, error)               { return mix(n), nil }
func (s *server) MixKeepingGil(_ context.Context, n int) (int, error)     { return mix(n), nil }
func (s *server) MixBlocking(_ context.Context, n int) (int, error)       { return mix(n), nil }
func (s *server) MixLater(_ context.Context, n int) (int, error)          { return mix(n), nil }
func (s *server) MixByRing(_ context.Context, n int) (int, error)         { return mix(n), nil }
func (s *server) MixByRingOf2(_ context.Context, n int) (int, error)      { return mix(n), nil }
func (s *server) IsOdd(_ context.Context, n int) (bool, error)            { return n&1 == 1, nil }
func (s *server) EchoNumber(_ context.Context, n int) (int, error)        { return n, nil }
func (s *server) Name(_ context.Context, n int) (string, error)           { return name(n), nil }
func (s *server) Nested(_ context.Context, rows [][]int) ([][]int, error) { return rows, nil }

func (s *server) Payload(_ context.Context, n, size int) ([]byte, error) {
	return payload(n, size), nil
}

func (s *server) PayloadBlocking(_ context.Context, n, size int) ([]byte, error) {
	return payload(n, size), nil
}

func (s *server) PayloadLater(_ context.Context, n, size int) ([]byte, error) {
	return payload(n, size), nil
}

func (s *server) PayloadByRing(_ context.Context, n, size int) ([]byte, error) {
	return payload(n, size), nil
}

func (s *server) Turn(_ context.Context, items []Item) ([]Item, error) {
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
	return items, nil
}

func (s *server) TurnBlocking(ctx context.Context, items []Item) ([]Item, error) {
	return s.Turn(ctx, items)
}

func (s *server) TurnLater(ctx context.Context, items []Item) ([]Item, error) {
	return s.Turn(ctx, items)
}

func (s *server) Fail(_ context.Context, n int) (int, error) {
	return 0, fmt.Errorf("wrapped: %w", OddError{Number: n})
}

func (s *server) FailBlocking(ctx context.Context, n int) (int, error) { return s.Fail(ctx, n) }
func (s *server) FailLater(ctx context.Context, n int) (int, error)    { return s.Fail(ctx, n) }
func (s *server) FailByRing(ctx context.Context, n int) (int, error)   { return s.Fail(ctx, n) }

func (s *server) Panic(_ context.Context, n int) (int, error) { panic(name(n)) }

func (s *server) nap(ctx context.Context, n, microseconds int) (int, error) {
	timer := time.NewTimer(time.Duration(microseconds) * time.Microsecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return mix(n), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (s *server) NapBlocking(ctx context.Context, n, microseconds int) (int, error) {
	return s.nap(ctx, n, microseconds)
}

func (s *server) NapLater(ctx context.Context, n, microseconds int) (int, error) {
	return s.nap(ctx, n, microseconds)
}

func (s *server) NapDeaf(_ context.Context, n, microseconds int) (int, error) {
	return s.nap(context.Background(), n, microseconds)
}

// One-way messages.

func (s *server) post(lane, n int) error {
	s.Lock()
	s.posted[lane] = append(s.posted[lane], n)
	s.Unlock()
	if n>>8&63 == 63 { // now and then the rings fill
		time.Sleep(100 * time.Microsecond)
	}
	return nil
}

func (s *server) postNumber(lane, n, check int) error {
	if check != mix(n) {
		s.wrong("lane %d: the message %d has the check %d instead of %d", lane, n, check, mix(n))
	}
	return s.post(lane, n)
}

func (s *server) PostBy1(_ context.Context, n, check int) error    { return s.postNumber(0, n, check) }
func (s *server) PostBy2(_ context.Context, n, check int) error    { return s.postNumber(1, n, check) }
func (s *server) PostBy1024(_ context.Context, n, check int) error { return s.postNumber(2, n, check) }

func (s *server) PostText(_ context.Context, n int, text string) error {
	if text != strings.Repeat(name(n), 1+n&3) {
		s.wrong("lane 3: the message %d has the text %.100q", n, text)
	}
	return s.post(3, n)
}

func (s *server) Posted(_ context.Context, lane int) ([]int, error) {
	s.Lock()
	defer s.Unlock()
	numbers := s.posted[lane]
	s.posted[lane] = nil
	return numbers, nil
}

// Callbacks.

func (s *server) callTimes(ctx context.Context, where string, f intFunc, n, times int) (int, error) {
	total := 0
	for i := n; i < n+times; i++ {
		answer, err := f(ctx, i)
		if err != nil {
			return 0, err
		}
		if answer != mix(i) {
			s.wrong("%s: f(%d) gave %d instead of %d", where, i, answer, mix(i))
		}
		total += answer
	}
	return total, nil
}

func (s *server) Call(ctx context.Context, f intFunc, n, times int) (int, error) {
	return s.callTimes(ctx, "call", f, n, times)
}

func (s *server) CallBlocking(ctx context.Context, f intFunc, n, times int) (int, error) {
	return s.callTimes(ctx, "call_blocking", f, n, times)
}

func (s *server) CallLater(ctx context.Context, f intFunc, n, times int) (int, error) {
	return s.callTimes(ctx, "call_later", f, n, times)
}

func (s *server) CallAwaiting(ctx context.Context, f intFunc, n, times int) (int, error) {
	return s.callTimes(ctx, "call_awaiting", f, n, times)
}

func (s *server) CallTolerant(ctx context.Context, f intFunc, n, times int) (Tally, error) {
	tally := Tally{Errors: []string{}}
	for i := n; i < n+times; i++ {
		answer, err := f(ctx, i)
		if err != nil {
			tally.Errors = append(tally.Errors, err.Error())
			s.Lock()
			s.swallowed = append(s.swallowed, err.Error())
			s.Unlock()
			continue
		}
		if answer != mix(i) {
			s.wrong("call_tolerant: f(%d) gave %d instead of %d", i, answer, mix(i))
		}
		tally.Total += answer
	}
	return tally, nil
}

func (s *server) CallGoroutines(ctx context.Context, f intFunc, n, times, goroutines int) (int, error) {
	totals, errs := make([]int, goroutines), make([]error, goroutines)
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			totals[i], errs[i] = s.callTimes(ctx, "call_goroutines", f, n+i*times, times)
		}(i)
	}
	all.Wait()
	total := 0
	for i := range totals {
		if errs[i] != nil {
			return 0, errs[i]
		}
		total += totals[i]
	}
	return total, nil
}

func (s *server) CallTruth(ctx context.Context, f func(context.Context, int) (bool, error), n, times int) (int, error) {
	odd := 0
	for i := n; i < n+times; i++ {
		answer, err := f(ctx, i)
		if err != nil {
			return 0, err
		}
		if answer != (i&1 == 1) {
			s.wrong("call_truth: f(%d) gave %t", i, answer)
		}
		if answer {
			odd++
		}
	}
	return odd, nil
}

func (s *server) CallText(ctx context.Context, f func(context.Context, string) (string, error), n, times int) (int, error) {
	size := 0
	for i := n; i < n+times; i++ {
		answer, err := f(ctx, name(i))
		if err != nil {
			return 0, err
		}
		if answer != reversed(name(i)) {
			s.wrong("call_text: f(%q) gave %.100q", name(i), answer)
		}
		size += len(answer)
	}
	return size, nil
}

func (s *server) CallPayload(
	ctx context.Context, f func(context.Context, int, int) ([]byte, error), n, size int,
) (int, error) {
	answer, err := f(ctx, n, size)
	if err != nil {
		return 0, err
	}
	if string(answer) != string(payload(n, size)) {
		s.wrong("call_payload: f(%d, %d) gave %d bytes, which are not as expected", n, size, len(answer))
	}
	return len(answer), nil
}

func (s *server) CallVisitor(ctx context.Context, visitor Visitor, n, times int) (int, error) {
	total, err := s.callTimes(ctx, "visitor", visitor.Visit, n, times)
	if err != nil {
		return 0, err
	}
	if _, err := s.CallText(ctx, visitor.Rename, n, times); err != nil {
		return 0, err
	}
	b, err := visitor.Open(ctx, n)
	if err != nil {
		return 0, err
	}
	value, err := b.Value(ctx)
	if err == nil && value != n {
		s.wrong("visitor: open(%d) gave a box with %d", n, value)
	}
	return total + value, err
}

func (s *server) Keep(_ context.Context, f func(context.Context, int) (int, error)) error {
	s.Lock()
	defer s.Unlock()
	s.kept = f
	return nil
}

func (s *server) CallKept(ctx context.Context, n, times int) (int, error) {
	s.Lock()
	f := s.kept
	s.Unlock()
	if f == nil {
		return 0, fmt.Errorf("no function is kept")
	}
	return s.callTimes(ctx, "kept", f, n, times)
}

// Streams.

func (s *server) Count(_ context.Context, n, times int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		atomic.AddInt64(&s.active, 1)
		defer atomic.AddInt64(&s.active, -1)
		for i := n; i < n+times && yield(mix(i), nil); i++ {
		}
	}, nil
}

func (s *server) Rows(ctx context.Context, n, count, times int) ([]Row, error) {
	rows := make([]Row, count)
	for i := range rows {
		items, _ := s.Count(ctx, n+i, times)
		rows[i] = Row{n + i, items}
	}
	return rows, nil
}

func (s *server) TotalOfRows(_ context.Context, rows []Row, times int) (total int, err error) {
	for _, row := range rows {
		part, err := s.sum(row.Items, row.N, times)
		if err != nil {
			return 0, err
		}
		total += part
	}
	return total, nil
}

func (s *server) CountLater(ctx context.Context, n, times int) (func(yield func(int, error) bool), error) {
	return s.Count(ctx, n, times)
}

func (s *server) Items(_ context.Context, n, times int) (func(yield func(Item, error) bool), error) {
	return func(yield func(Item, error) bool) {
		atomic.AddInt64(&s.active, 1)
		defer atomic.AddInt64(&s.active, -1)
		for i := n; i < n+times && yield(item(i), nil); i++ {
		}
	}, nil
}

func (s *server) Boxes(_ context.Context, n, times int) (func(yield func(Box, error) bool), error) {
	return func(yield func(Box, error) bool) {
		atomic.AddInt64(&s.active, 1)
		defer atomic.AddInt64(&s.active, -1)
		for i := n; i < n+times && yield(&box{i}, nil); i++ {
		}
	}, nil
}

func (s *server) sum(numbers intStream, n, times int) (total int, err error) {
	i := n
	numbers(func(number int, failed error) bool {
		if failed != nil {
			err = failed
			return false
		}
		if number != mix(i) {
			s.wrong("total: item %d is %d instead of %d", i-n, number, mix(i))
		}
		total += number
		i++
		return true
	})
	if err != nil {
		return 0, err
	}
	if i != n+times {
		s.wrong("total: %d items of %d have come", i-n, times)
	}
	return total, nil
}

func (s *server) Total(_ context.Context, numbers func(yield func(int, error) bool), n, times int) (int, error) {
	return s.sum(numbers, n, times)
}

func (s *server) TotalLater(_ context.Context, numbers func(yield func(int, error) bool), n, times int) (int, error) {
	return s.sum(numbers, n, times)
}

func (s *server) Echo(
	_ context.Context, numbers func(yield func(int, error) bool),
) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		atomic.AddInt64(&s.active, 1)
		defer atomic.AddInt64(&s.active, -1)
		numbers(yield)
	}, nil
}

func (s *server) Active(context.Context) (int, error) { return int(atomic.LoadInt64(&s.active)), nil }

// Objects.

type box struct{ n int }

func (b *box) Value(context.Context) (int, error)        { return b.n, nil }
func (b *box) Add(_ context.Context, n int) (int, error) { return b.n + n, nil }
func (b *box) Count(context.Context) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		for i := b.n; yield(mix(i), nil); i++ {
		}
	}, nil
}
func (*box) Close(context.Context) error { return nil }

func (s *server) Box(_ context.Context, n int) (Box, error)      { return &box{n}, nil }
func (s *server) BoxLater(_ context.Context, n int) (Box, error) { return &box{n}, nil }

func (s *server) BoxList(_ context.Context, n, count int) ([]Box, error) {
	made := make([]Box, count)
	for i := range made {
		made[i] = &box{n + i}
	}
	return made, nil
}

func (s *server) LookInto(ctx context.Context, b Box) (int, error) { return b.Value(ctx) }
func (s *server) Same(_ context.Context, b Box) (Box, error)       { return b, nil }

func (s *server) SumBoxes(ctx context.Context, boxes []Box) (int, error) {
	total := 0
	for _, b := range boxes {
		n, err := b.Value(ctx)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func (s *server) Adder(_ context.Context, n int) (func(context.Context, int) (int, error), error) {
	return func(_ context.Context, m int) (int, error) { return n + m, nil }, nil
}

// Buffers.

func (s *server) Fill(_ context.Context, data []uint8, value uint8) (int, error) {
	sum := 0
	for i, old := range data {
		sum += int(old)
		data[i] = value
	}
	return sum, nil
}

func (s *server) FillBlocking(ctx context.Context, data []uint8, value uint8, microseconds int) (int, error) {
	time.Sleep(time.Duration(microseconds) * time.Microsecond)
	return s.Fill(ctx, data, value)
}

func (s *server) FillLater(ctx context.Context, data []uint8, value uint8, microseconds int) (int, error) {
	return s.FillBlocking(ctx, data, value, microseconds)
}

func (s *server) Weigh(_ context.Context, data []float64) (float64, error) {
	sum := 0.0
	for _, f := range data {
		sum += f
	}
	return sum, nil
}

func (s *server) Make(_ context.Context, n, count int) ([]int, error) {
	made := make([]int, count)
	for i := range made {
		made[i] = mix(n + i)
	}
	return made, nil
}

func (s *server) MakeLater(ctx context.Context, n, count int) ([]int, error) {
	return s.Make(ctx, n, count)
}
