package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// server implements Sleeper.
type server struct {
	started, finished, cancelled int64
	calls                        int64

	sync.Mutex // for what follows; methods of many goroutines use it
	gates      map[string]*gate
	numbers    []int
	pushed     *sync.Cond
}

// gate holds calls up until it is opened.
type gate struct {
	opened chan struct{}
	come   int
}

func newServer() *server {
	s := &server{gates: map[string]*gate{}}
	s.pushed = sync.NewCond(s)
	return s
}

func init() { RegisterSleeper(newServer()) }

func (s *server) Sleep(ctx context.Context, ms int) (int, error) {
	atomic.AddInt64(&s.started, 1)
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		atomic.AddInt64(&s.finished, 1)
		return ms, nil
	case <-ctx.Done():
		atomic.AddInt64(&s.cancelled, 1)
		return 0, ctx.Err()
	}
}

func (s *server) SleepLater(ctx context.Context, ms int) (int, error)    { return s.Sleep(ctx, ms) }
func (s *server) SleepBlocking(ctx context.Context, ms int) (int, error) { return s.Sleep(ctx, ms) }
func (s *server) SleepByRing(ctx context.Context, ms int) (int, error)   { return s.Sleep(ctx, ms) }

func (s *server) SleepDeaf(_ context.Context, ms int) (int, error) {
	return s.Sleep(context.Background(), ms)
}

func (s *server) SleepDeafLater(ctx context.Context, ms int) (int, error) {
	return s.SleepDeaf(ctx, ms)
}

func (s *server) Counts(context.Context) (Counts, error) {
	return Counts{
		Started:   int(atomic.LoadInt64(&s.started)),
		Finished:  int(atomic.LoadInt64(&s.finished)),
		Cancelled: int(atomic.LoadInt64(&s.cancelled)),
	}, nil
}

func (s *server) Deadline(ctx context.Context) (Deadline, error) {
	end, known := ctx.Deadline()
	if !known {
		return Deadline{IsOver: ctx.Err() != nil}, nil
	}
	return Deadline{Known: true, SecondsLeft: time.Until(end).Seconds(), IsOver: ctx.Err() != nil}, nil
}

func (s *server) DeadlineLater(ctx context.Context) (Deadline, error)    { return s.Deadline(ctx) }
func (s *server) DeadlineBlocking(ctx context.Context) (Deadline, error) { return s.Deadline(ctx) }
func (s *server) DeadlineByRing(ctx context.Context) (Deadline, error)   { return s.Deadline(ctx) }

func (s *server) Echo(_ context.Context, n int) (int, error)          { return n, nil }
func (s *server) EchoLater(_ context.Context, n int) (int, error)     { return n, nil }
func (s *server) EchoBlocking(_ context.Context, n int) (int, error)  { return n, nil }
func (s *server) EchoByRing(_ context.Context, n int) (int, error)    { return n, nil }
func (s *server) EchoByRingOf1(_ context.Context, n int) (int, error) { return n, nil }
func (s *server) EchoByRingOf2(_ context.Context, n int) (int, error) { return n, nil }

func (s *server) Repeat(_ context.Context, text string, n int) ([]string, error) {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = text
	}
	return texts, nil
}

func (s *server) RepeatByRing(ctx context.Context, text string, n int) ([]string, error) {
	return s.Repeat(ctx, text, n)
}

func (s *server) RepeatBlocking(ctx context.Context, text string, n int) ([]string, error) {
	return s.Repeat(ctx, text, n)
}

func (s *server) Fail(_ context.Context, how string) ([]string, error) {
	switch how {
	case "error":
		return nil, errors.New("it failed")
	case "refused":
		return nil, fmt.Errorf("wrapped: %w", &RefusedError{Number: 7})
	case "nil panic":
		panic(nil)
	default:
		panic("it panicked")
	}
}

func (s *server) FailByRing(ctx context.Context, how string) ([]string, error) {
	return s.Fail(ctx, how)
}
func (s *server) FailBlocking(ctx context.Context, how string) ([]string, error) {
	return s.Fail(ctx, how)
}

// gate is the gate of that name. The caller holds the mutex.
func (s *server) gate(name string) *gate {
	if s.gates[name] == nil {
		s.gates[name] = &gate{opened: make(chan struct{})}
	}
	return s.gates[name]
}

func (s *server) WaitAt(_ context.Context, name string) error {
	s.Lock()
	g := s.gate(name)
	g.come++
	s.pushed.Broadcast()
	s.Unlock()
	<-g.opened
	return nil
}

func (s *server) FillAfter(ctx context.Context, name string, data []uint8, value uint8) (int, error) {
	sum := 0
	err := s.WaitAt(ctx, name)
	for i, old := range data {
		sum += int(old)
		data[i] = value
	}
	return sum, err
}

func (s *server) OpenGate(_ context.Context, name string) error {
	s.Lock()
	defer s.Unlock()
	close(s.gate(name).opened)
	delete(s.gates, name)
	return nil
}

func (s *server) WaitStarted(_ context.Context, name string, n int) error {
	s.Lock()
	defer s.Unlock()
	for s.gate(name).come < n {
		s.pushed.Wait()
	}
	return nil
}

func (s *server) Push(_ context.Context, n int) error {
	s.Lock()
	defer s.Unlock()
	s.numbers = append(s.numbers, n)
	s.pushed.Broadcast()
	return nil
}

func (s *server) PushBy2(ctx context.Context, n int) error        { return s.Push(ctx, n) }
func (s *server) PushBy1024(ctx context.Context, n int) error     { return s.Push(ctx, n) }
func (s *server) PushText(ctx context.Context, text string) error { return s.Push(ctx, len(text)) }
func (s *server) PushPanic(_ context.Context, text string) error  { panic(text) }

func (s *server) PushSlowly(ctx context.Context, n int, ms int) error {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return s.Push(ctx, n)
}

func (s *server) AppendLine(_ context.Context, path string, line string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(line + "\n")
	return err
}

func (s *server) Pushed(_ context.Context, n int) ([]int, error) {
	s.Lock()
	defer s.Unlock()
	for len(s.numbers) < n {
		s.pushed.Wait()
	}
	numbers := s.numbers
	s.numbers = nil
	return numbers, nil
}

func (s *server) Getenv(_ context.Context, name string) (*string, error) {
	if value, ok := os.LookupEnv(name); ok {
		return &value, nil
	}
	return nil, nil
}

// thing implements Thing.
type thing struct{ value int }

func (t *thing) Value(context.Context) (int, error) { return t.value, nil }
func (*thing) Close(context.Context) error          { return nil }

func (s *server) Thing(context.Context) (Thing, error) { return &thing{42}, nil }

func (s *server) Numbers(_ context.Context, n int) (func(yield func(int, error) bool), error) {
	return func(yield func(int, error) bool) {
		for i := 0; i < n && yield(i, nil); i++ {
		}
	}, nil
}

func (s *server) NumbersLater(ctx context.Context, n int) (func(yield func(int, error) bool), error) {
	return s.Numbers(ctx, n)
}

func (s *server) KeepCalling(_ context.Context, f func(context.Context, int) (int, error), goroutines int) error {
	for i := 0; i < goroutines; i++ {
		go func(i int) {
			for n := i; ; n += goroutines {
				got, err := f(context.Background(), n)
				if err != nil || got != n {
					return
				}
				atomic.AddInt64(&s.calls, 1)
			}
		}(i)
	}
	return nil
}

func (s *server) CallsMade(context.Context) (int, error) { return int(atomic.LoadInt64(&s.calls)), nil }
