// What one writes without gobind: exported C functions, with JSON in C strings for whatever is not a number.
package main

/*
#include <stdint.h>
#include <stdlib.h>

typedef int64_t (*callback)(int64_t);
typedef void (*done)(int64_t, int64_t);

static inline int64_t call_back(callback f, int64_t n) { return f(n); }
static inline void call_done(done f, int64_t ticket, int64_t result) { f(ticket, result); }
*/
import "C"

import (
	"encoding/json"
	"fmt"
	"sync"
	"unsafe"
)

type User struct {
	ID   uint32 `json:"id"`
	Name string `json:"name"`
	Age  uint8  `json:"age"`
}

type LoginRequest struct {
	User     User   `json:"user"`
	Password string `json:"password"`
}

type LoginResponse struct {
	Succ    bool   `json:"succ"`
	Message string `json:"message"`
	Token   []byte `json:"token"`
}

type Tree struct {
	Name     string `json:"name"`
	Value    int    `json:"value"`
	Children []Tree `json:"children"`
}

func login(req *LoginRequest) LoginResponse {
	return LoginResponse{Succ: req.Password != "", Message: "welcome, " + req.User.Name, Token: []byte{6, 6, 6}}
}

// answer is the JSON of a result, for the caller to free.
func answer(result any, err error) *C.char {
	if err != nil {
		result = map[string]string{"error": err.Error()}
	}
	text, err := json.Marshal(result)
	if err != nil {
		panic(err)
	}
	return C.CString(string(text))
}

// echo reads JSON into a T and writes it again.
func echo[T any](text *C.char) *C.char {
	var value T
	err := json.Unmarshal([]byte(C.GoString(text)), &value)
	return answer(value, err)
}

//export Nothing
func Nothing() {}

//export Add
func Add(a, b C.int64_t) C.int64_t { return a + b }

//export Work
func Work(rounds C.int64_t) C.int64_t {
	x := uint64(rounds) | 1
	for i := 0; i < int(rounds); i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return C.int64_t(x >> 1)
}

//export Login
func Login(text *C.char) *C.char {
	var req LoginRequest
	err := json.Unmarshal([]byte(C.GoString(text)), &req)
	return answer(login(&req), err)
}

//export TakeStrings
func TakeStrings(text *C.char) C.int64_t {
	var list []string
	if json.Unmarshal([]byte(C.GoString(text)), &list) != nil {
		return -1
	}
	return C.int64_t(len(list))
}

//export GiveStrings
func GiveStrings(kind, n C.int64_t) *C.char { return answer(made.get(int(kind), int(n)), nil) }

//export EchoStrings
func EchoStrings(text *C.char) *C.char { return echo[[]string](text) }

//export EchoNested
func EchoNested(text *C.char) *C.char { return echo[[][]string](text) }

//export EchoUsers
func EchoUsers(text *C.char) *C.char { return echo[[]User](text) }

//export EchoCounts
func EchoCounts(text *C.char) *C.char { return echo[map[string]int](text) }

//export EchoTree
func EchoTree(text *C.char) *C.char { return echo[Tree](text) }

//export TakeFloats
func TakeFloats(text *C.char) C.int64_t {
	var list []float64
	if json.Unmarshal([]byte(C.GoString(text)), &list) != nil {
		return -1
	}
	return C.int64_t(len(list))
}

//export LendFloats
func LendFloats(numbers *C.double, n C.int64_t) C.int64_t {
	return C.int64_t(len(unsafe.Slice((*float64)(unsafe.Pointer(numbers)), int(n))))
}

//export TakeBytes
func TakeBytes(data unsafe.Pointer, size C.int64_t) C.int64_t {
	return C.int64_t(len(C.GoBytes(data, C.int(size))))
}

//export GiveBytes
func GiveBytes(size C.int64_t) unsafe.Pointer { return C.CBytes(zeros[:size]) }

//export Fail
func Fail(key *C.char) *C.char {
	return answer(nil, fmt.Errorf("no entry %s", C.GoString(key)))
}

//export Free
func Free(memory unsafe.Pointer) { C.free(memory) }

//export CallBack
func CallBack(f C.callback, n C.int64_t) C.int64_t {
	sum := C.int64_t(0)
	for i := C.int64_t(0); i < n; i++ {
		sum += C.call_back(f, i)
	}
	return sum
}

//export CallBackFromGoroutines
func CallBackFromGoroutines(f C.callback, n, goroutines C.int64_t) C.int64_t {
	var wait sync.WaitGroup
	sums := make([]C.int64_t, goroutines)
	for g := range sums {
		wait.Add(1)
		go func(g int) {
			defer wait.Done()
			sums[g] = CallBack(f, n)
		}(g)
	}
	wait.Wait()
	sum := C.int64_t(0)
	for _, part := range sums {
		sum += part
	}
	return sum
}

// AddLater answers from a goroutine, on a thread that Python has not seen.
//
//export AddLater
func AddLater(f C.done, ticket, a, b C.int64_t) {
	go func() { C.call_done(f, ticket, a+b) }()
}

var zeros = make([]byte, 64<<20)

var made samples

// samples keeps the strings that GiveStrings returns, so that making them is not what is measured.
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

func main() {}
