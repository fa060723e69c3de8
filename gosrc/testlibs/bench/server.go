// The work of the benchmark.
package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

type bench struct{}

func init() { RegisterBench(bench{}) }

func (bench) Nothing(context.Context) error { return nil }

func (bench) Add(_ context.Context, a, b int) (int, error) { return a + b, nil }

func (bench) AddKeepingGil(_ context.Context, a, b int) (int, error) { return a + b, nil }

func (bench) Work(_ context.Context, rounds int) (int, error) { return work(rounds), nil }

func (bench) WorkKeepingGil(_ context.Context, rounds int) (int, error) { return work(rounds), nil }

func work(rounds int) int {
	x := uint64(rounds) | 1
	for i := 0; i < rounds; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return int(x >> 1)
}

func (bench) Login(_ context.Context, req *LoginRequest) (LoginResponse, error) {
	return LoginResponse{Succ: req.Password != "", Message: "welcome, " + req.User.Name, Token: []byte{6, 6, 6}}, nil
}

func (bench) TakeStrings(_ context.Context, strings []string) (int, error) { return len(strings), nil }

func (bench) GiveStrings(_ context.Context, kind, n int) ([]string, error) {
	return made.get(kind, n), nil
}

// made keeps the strings that GiveStrings returns, so that making them is not what is measured.
var made samples

type samples struct {
	sync.Mutex
	lists map[[2]int][]string
}

func (s *samples) get(kind, n int) []string {
	s.Lock()
	defer s.Unlock()
	key := [2]int{kind, n}
	if s.lists[key] == nil {
		if s.lists == nil {
			s.lists = map[[2]int][]string{}
		}
		pattern := []string{"user-%06d", "Nutzer-ü-%06d", "user\x00%06d"}[kind]
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(pattern, i)
		}
		s.lists[key] = list
	}
	return s.lists[key]
}

func (bench) EchoStrings(_ context.Context, strings []string) ([]string, error) { return strings, nil }

func (bench) EchoNested(_ context.Context, lists [][]string) ([][]string, error) { return lists, nil }

func (bench) EchoUsers(_ context.Context, users []User) ([]User, error) { return users, nil }

func (bench) EchoCounts(_ context.Context, counts map[string]int) (map[string]int, error) {
	return counts, nil
}

func (bench) EchoTree(_ context.Context, tree *Tree) (Tree, error) { return *tree, nil }

func (bench) TakeBytes(_ context.Context, data []byte) (int, error) { return len(data), nil }

// zeros is what GiveBytes and BorrowBytes return parts of.
var zeros [64 << 20]byte

func (bench) GiveBytes(_ context.Context, size int) ([]byte, error) { return zeros[:size], nil }

func (bench) LendBytes(_ context.Context, data []byte) (int, error) { return len(data), nil }

func (bench) BorrowBytes(_ context.Context, size int) ([]byte, error) { return zeros[:size], nil }

func (bench) TakeFloats(_ context.Context, numbers []float64) (int, error) { return len(numbers), nil }

var floats [1_000_000]float64

func (bench) GiveFloats(_ context.Context, n int) ([]float64, error) { return floats[:n], nil }

func (bench) LendFloats(_ context.Context, numbers []float64) (int, error) { return len(numbers), nil }

func (bench) AddLater(_ context.Context, a, b int) (int, error) { return a + b, nil }

func (bench) AddByRing(_ context.Context, a, b int) (int, error) { return a + b, nil }

func (bench) AddInterruptibly(_ context.Context, a, b int) (int, error) { return a + b, nil }

var told int64

func (bench) Tell(_ context.Context, n int) error {
	atomic.AddInt64(&told, int64(n))
	return nil
}

func (bench) Fail(_ context.Context, key string) error { return &NotFoundError{Key: key} }

func (bench) Panic(_ context.Context, text string) error { panic(strings.ToUpper(text)) }
