package gobind

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func request(method int, body []byte) []byte {
	return append(words(uint64(method), uint64(HeaderSize+len(body)), 0, 0, 0), body...)
}

func pingRequest(n uint64) []byte { return request(ping, words(n)) }

// failing sets what Ping returns, or does, for one test.
func failing(t *testing.T, fail func(context.Context) error) {
	testServer.fail = fail
	t.Cleanup(func() { testServer.fail = nil })
}

// failureOf reads a response that says what went wrong.
func failureOf(t *testing.T, e *status) (failure failureRecord, message, detail, key string) {
	t.Helper()
	r := NewReader(e.segments...)
	m := overlay[failureRecord](r)
	if m == nil {
		t.Fatal(r.Close())
	}
	message, detail = r.String(m.Message), r.String(m.Detail)
	if m.Error >= 0 {
		ReadStrings(r, One(&key))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return *m, message, detail, key
}

func TestResults(t *testing.T) {
	if e := do(pingRequest(5), nil); e.kind != StatusValue || e.value != 5 {
		t.Error(e)
	}
	v := sample()
	frame, _ := encode(&v)
	e := do(request(echo, frame), nil)
	got, err := decode(e.segments...)
	if err != nil || e.kind != StatusResponse || !same(got, v) {
		t.Error(err, problem(got, v))
	}
}

func TestErrors(t *testing.T) {
	cases := []struct {
		fail                 func(context.Context) error
		kind                 kind
		message, detail, key string
		index                int64
		flags                uint64
	}{
		{func(context.Context) error { return errors.New("no\xff") }, StatusError, "no\uFFFD", "*errors.errorString", "", -1, 0},
		{func(context.Context) error { return notFound{"k"} }, StatusError, `NotFound: key="k"`, "gobind.notFound", "k", 0, 0},
		{func(context.Context) error { return &notFound{"p"} }, StatusError, `NotFound: key="p"`, "*gobind.notFound", "p", 0, 0},
		{
			func(context.Context) error { return fmt.Errorf("get: %w", &notFound{"w"}) },
			StatusError, `get: NotFound: key="w"`, "*fmt.wrapError", "w", 0, 0,
		},
		{
			func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("slow: %w", ctx.Err()) },
			StatusError, "slow: context deadline exceeded", "*fmt.wrapError", "", -1, TimedOut,
		},
		{func(context.Context) error { panic("boom") }, StatusPanic, "boom", "goroutine", "", -1, 0},
		{func(context.Context) error { panic(errors.New("bad")) }, StatusPanic, "bad", "goroutine", "", -1, 0},
	}
	for _, c := range cases {
		failing(t, c.fail)
		frame := append(words(ping, HeaderSize+8, 0, uint64(time.Millisecond), 0), words(0)...)
		e := do(frame, nil)
		failure, message, detail, key := failureOf(t, e)
		if e.kind != c.kind || message != c.message || !strings.HasPrefix(detail, c.detail) || key != c.key ||
			failure.Error != c.index || failure.Flags != c.flags {
			t.Error(problem([]any{e.kind, message, detail, key, failure}, c))
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	good := pingRequest(5)
	receiver := append([]byte{}, good...)
	receiver[ReceiverOffset] = 9
	scattered := append(words(uint64(ping)|Scattered<<32, HeaderSize+24, 0, 0, 0), words(1, 0, 8)...)
	cases := []struct {
		frame []byte
		kind  kind
		want  string
	}{
		{nil, StatusRefused, "request refused: expected a header of 40 bytes, got 0"},
		{good[:44], StatusRefused, "request refused: truncated: expected 48 bytes, got 44"},
		{request(ping, nil), StatusRefused, "Service.ping: request refused: truncated: expected 8 more bytes, got 0"},
		{request(77, nil), StatusRefused, "request refused: there are 5 methods, got number 77"},
		{words(ping, 1, 0, 0, 0), StatusRefused, "request refused: a frame cannot have 1 bytes"},
		{request(missing, nil), StatusRefused, "Missing is not implemented: call RegisterMissing in an init function"},
		{receiver, StatusClosed, "Service.ping: the object is closed"},
		{scattered, StatusRefused, "request refused: no segment of 8 bytes can be at address 0x0"},
	}
	for _, c := range cases {
		e := do(c.frame, nil)
		if _, message, _, _ := failureOf(t, e); e.kind != c.kind || message != c.want {
			t.Errorf("got %d %s, want %d %s", e.kind, message, c.kind, c.want)
		}
	}
}

// outside is memory that stays where it is, as a caller's does: the collector moves stacks, not what is reachable.
var outside sync.Map

func pinned(t testing.TB, frame []byte) unsafe.Pointer {
	outside.Store(t.Name(), frame)
	return unsafe.Pointer(&frame[0])
}

func withReply(t testing.TB, frame []byte, reply []byte) unsafe.Pointer {
	outside.Store(t.Name()+" reply", reply)
	copy(frame[ReplyOffset:], words(uint64(uintptr(unsafe.Pointer(&reply[0])))))
	return pinned(t, frame)
}

func TestInvoke(t *testing.T) {
	frame := pinned(t, words(ping, 0, 0, 0, 0, 5))
	if got := Invoke(frame); got != 5 {
		t.Error(got)
	}
	if status, _ := statusOf(frame); status != nil {
		t.Error(status)
	}
	body := append(words(7, 0, 3, 1, 0, 6), "Annsecret"...)
	reply := make([]byte, ReplyCapacity)
	if n := Invoke(withReply(t, request(login, body), reply)); n != 35 || string(reply[32:35]) != "Ann" {
		t.Error(n, reply[:40])
	}
}

// statusOf asks for a status, as a caller with a buffer of its own does; nil if there is none. Id is the handle of what
// is kept for it.
func statusOf(frame unsafe.Pointer) (status []uint64, id uint64) {
	buffer := make([]byte, ReplyCapacity)
	outside.Store(&buffer[0], buffer)
	id = Status(frame, uint64(uintptr(unsafe.Pointer(&buffer[0]))))
	status = unsafe.Slice((*uint64)(unsafe.Pointer(&buffer[0])), StatusSize/8)
	if status[0] == StatusNone {
		return nil, id
	}
	return status, id
}

func TestSmallStatusesAreCopied(t *testing.T) {
	unleaked(t)
	failing(t, func(context.Context) error { return errors.New("no") })
	frame := pinned(t, pingRequest(0))
	if Invoke(frame) != CheckStatus || Live() != 1 {
		t.Fatal("expected a status that waits", Live())
	}
	runtime.GC()
	block, id := statusOf(frame)
	if block[0] != StatusError || block[2] != 1 || id != 0 {
		t.Fatal(block, id, Live())
	}
	if message := bytesAt(block[3], int(block[4]))[48:50]; string(message) != "no" {
		t.Error(message)
	}
	if again, _ := statusOf(frame); again == nil || again[0] != StatusError || Live() != 1 {
		t.Error("a failure is told until it is forgotten", again)
	}
	ReleaseStatus(frame)
	if again, _ := statusOf(frame); again != nil {
		t.Error(again)
	}
}

func TestLargeFailuresAreHeldUntilForgotten(t *testing.T) {
	unleaked(t)
	largest := ReplyCapacity - StatusSize - int(unsafe.Sizeof(failureRecord{})) - len("*errors.errorString")
	for _, size := range []int{largest, largest + 1, ExternalSize + 1, 10 * ExternalSize} {
		message := strings.Repeat("x", size)
		failing(t, func(context.Context) error { return errors.New(message) })
		frame := pinned(t, pingRequest(0))
		Invoke(frame)
		block, id := statusOf(frame)
		if id != 0 || Live() != 1 {
			t.Fatal(size, block, id, Live())
		}
		runtime.GC()
		pairs := block[3:5]
		if block[2] > 1 {
			pairs = unsafe.Slice((*uint64)(pointerOf(block[3])), 2*block[2])
		}
		e := &status{}
		for i := uint64(0); i < block[2]; i++ {
			e.segments = append(e.segments, bytesAt(pairs[2*i], int(pairs[2*i+1])))
		}
		if _, got, _, _ := failureOf(t, e); got != message {
			t.Error(len(got), size)
		}
		ReleaseStatus(frame)
		ReleaseStatus(frame)
	}
}

// Whoever should have asked was interrupted; memory of the same address means that the frame of before is gone.
func TestAStatusThatNobodyAskedFor(t *testing.T) {
	unleaked(t)
	number := 0
	failing(t, func(context.Context) error { number++; return fmt.Errorf("no %d", number) })
	frame := pinned(t, pingRequest(0))
	Invoke(frame)
	Invoke(frame)
	if Live() != 1 {
		t.Error(Live())
	}
	block, _ := statusOf(frame)
	if message := bytesAt(block[3], int(block[4]))[48:52]; string(message) != "no 2" {
		t.Errorf("%s", message)
	}
	ReleaseStatus(frame)
	if again, _ := statusOf(frame); again != nil {
		t.Error(again)
	}
}

func TestAResultThatLooksLikeLook(t *testing.T) {
	look := int64(CheckStatus)
	frame := pinned(t, pingRequest(uint64(look)))
	if Invoke(frame) != CheckStatus {
		t.Fatal("expected CheckStatus")
	}
	block, id := statusOf(frame)
	if block[0] != StatusValue || int64(block[1]) != CheckStatus || id != 0 {
		t.Error(block, id)
	}
}

func TestBuffersAreBorrowedAndHeld(t *testing.T) {
	memory := []byte("memory of the caller")
	outside.Store("memory", memory)
	testServer.result = memory[6:16]
	defer func() { testServer.result = nil }()
	frame := pinned(t, request(buffer, words(uint64(uintptr(unsafe.Pointer(&memory[0]))), 6)))
	if Invoke(frame) != CheckStatus {
		t.Fatal("expected CheckStatus")
	}
	block, id := statusOf(frame)
	record := bytesAt(block[3], int(block[4]))
	if block[0] != StatusResponse || id == 0 || !reflect.DeepEqual(record, words(uint64(uintptr(unsafe.Pointer(&memory[6]))), 10)) {
		t.Error(block, record)
	}
	if Live() != 1 {
		t.Error(Live())
	}
	Release(id)
}

// Who has been interrupted forgets the status, more than once if need be.
func TestForgetting(t *testing.T) {
	unleaked(t)
	failing(t, func(context.Context) error { return errors.New("no") })
	frame := pinned(t, pingRequest(0))
	Invoke(frame)
	ReleaseStatus(frame)
	ReleaseStatus(frame)
	if status, id := statusOf(frame); status != nil || id != 0 {
		t.Error(status, id)
	}
}

func TestABufferArgumentCannotBeTheResult(t *testing.T) {
	unleaked(t)
	memory := []byte("memory of the caller")
	outside.Store("memory", memory)
	defer func() { testServer.result = nil }()
	for _, c := range []struct {
		from, to int
		refused  bool
	}{{0, 6, true}, {4, 5, true}, {4, 10, true}, {10, 16, true}, {0, 20, true}, {0, 4, false}, {10, 20, false}, {5, 5, false}} {
		testServer.result = memory[c.from:c.to]
		frame := pinned(t, request(buffer, words(uint64(uintptr(unsafe.Pointer(&memory[4]))), 6)))
		if c.from == 10 && c.to == 16 { // one item before
			frame = pinned(t, request(buffer, words(uint64(uintptr(unsafe.Pointer(&memory[4]))), 7)))
		}
		if Invoke(frame) != CheckStatus {
			if c.from != c.to {
				t.Error("expected CheckStatus")
			}
			continue
		}
		block, id := statusOf(frame)
		if refused := block[0] == StatusError; refused != c.refused {
			t.Error(c, block)
		}
		Release(id)
		ReleaseStatus(frame)
	}
}

func TestStatusesOfManyThreads(t *testing.T) {
	unleaked(t)
	failing(t, func(context.Context) error { return errors.New("no") })
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func(frame []byte) {
			defer all.Done()
			for j := 0; j < 200; j++ {
				if Invoke(unsafe.Pointer(&frame[0])) != CheckStatus {
					t.Error("expected CheckStatus")
				} else if block, _ := statusOf(unsafe.Pointer(&frame[0])); block == nil || block[0] != StatusError {
					t.Error(block)
				}
				ReleaseStatus(unsafe.Pointer(&frame[0]))
			}
		}(pingRequest(0))
	}
	all.Wait()
}

// carried is a contract out of a description.
type carried struct {
	name, text string
	interfaces []Interface
	errors     []ErrorType
	callables  map[string]int
	layouts    map[string][]uintptr
}

func readContracts(r *Reader, c Column[carried]) {
	ReadStrings(r, Field(c, &c.At(0).name))
	ReadStrings(r, Field(c, &c.At(0).text))
	ReadLists(r, Field(c, &c.At(0).interfaces), 1, func(r *Reader, c Column[Interface]) {
		ReadStrings(r, Field(c, &c.At(0).name))
		ReadStrings(r, Field(c, &c.At(0).fingerprint))
		ReadNumbers(r, Field(c, &c.At(0).first))
		ReadLists(r, Field(c, &c.At(0).methods), 1, ReadStrings[string])
	})
	ReadLists(r, Field(c, &c.At(0).errors), 1, func(r *Reader, c Column[ErrorType]) {
		ReadStrings(r, Field(c, &c.At(0).name))
		ReadStrings(r, Field(c, &c.At(0).fingerprint))
	})
	ReadMaps(r, Field(c, &c.At(0).callables), 1, ReadStrings[string], ReadNumbers[int])
	ReadMaps(r, Field(c, &c.At(0).layouts), 1, ReadStrings[string], func(r *Reader, c Column[[]uintptr]) {
		ReadLists(r, c, 1, ReadNumbers[uintptr])
	})
}

func TestDescribe(t *testing.T) {
	address := pointerOf(uint64(Describe()))
	head := fmt.Sprintf("{\"abi\":%d,\"needs\":\"0.1.0\",\"features\":[],\"requires\":{}}\x00", ABI)
	if got := string(unsafe.Slice((*byte)(address), len(head))); got != head {
		t.Fatal(got)
	}
	size := binary.LittleEndian.Uint64(unsafe.Slice((*byte)(unsafe.Add(address, len(head))), 8))
	r := NewReader(unsafe.Slice((*byte)(unsafe.Add(address, len(head)+8)), size))
	var problems []string
	var found []carried
	ReadLists(r, One(&problems), 1, ReadStrings[string])
	ReadLists(r, One(&found), 1, readContracts)
	want := []carried{{
		"tests", "# nothing",
		[]Interface{
			{name: "Service", fingerprint: "0123", methods: []string{"ping", "echo", "login", "buffer"}},
			{name: "Missing", fingerprint: "4567", first: 4, methods: []string{"missing"}},
		},
		[]ErrorType{{name: "NotFound", fingerprint: "89ab"}},
		map[string]int{},
		map[string][]uintptr{"user": {32, 8}},
	}}
	if err := r.Close(); err != nil || len(problems) != 0 || !reflect.DeepEqual(found, want) {
		t.Error(err, problems, problem(found, want))
	}
	if Describe() != uintptr(address) {
		t.Error("it is made twice")
	}
}

func BenchmarkPing(b *testing.B) {
	frame := pinned(b, words(ping, 0, 0, 0, 0, 5))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		Invoke(frame)
	}
}

func BenchmarkError(b *testing.B) {
	testServer.fail = func(context.Context) error { return &notFound{"k"} }
	benchmarkStatus(b)
}

func BenchmarkPanic(b *testing.B) {
	testServer.fail = func(context.Context) error { panic("k") }
	benchmarkStatus(b)
}

func benchmarkStatus(b *testing.B) {
	b.Cleanup(func() { testServer.fail = nil })
	buffer := make([]byte, ReplyCapacity)
	outside.Store(b.Name()+" buffer", buffer)
	frame := pinned(b, pingRequest(0))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		Invoke(frame)
		Status(frame, uint64(uintptr(unsafe.Pointer(&buffer[0]))))
	}
}

func BenchmarkLogin(b *testing.B) {
	body := append(words(7, 0, 3, 1, 0, 6), "Annsecret"...)
	frame := withReply(b, request(login, body), make([]byte, ReplyCapacity))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		Invoke(frame)
	}
}

func BenchmarkEchoUsers(b *testing.B) {
	users := make([]user, 1000)
	for i := range users {
		users[i] = user{uint32(i), fmt.Sprint("name ", i), 30}
	}
	var w Writer
	w.reset(nil)
	writeUser(&w, ColumnOf(users))
	frame := w.frame()[0]
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		var got []user
		r := NewReader(frame)
		ReadList(r, Ref{Len: 1000}, &got, 6, readUser)
		w.reset(w.buf)
		writeUser(&w, ColumnOf(got))
	}
}

// do does the call whose request is frame; buffer, which may be nil, is where the response may go. The status is in Go
// memory of its own.
func do(frame []byte, buffer []byte) *status {
	if len(frame) < HeaderSize {
		return refusal(fmt.Errorf("request refused: expected a header of %d bytes, got %d", HeaderSize, len(frame)))
	}
	h := headerOf(frame)
	m, size, err := h.check()
	if err == nil && size != len(frame) {
		err = fmt.Errorf("request refused: truncated: expected %d bytes, got %d", size, len(frame))
	}
	if err != nil {
		return refusal(err)
	}
	c, err := start(h, m, frame[HeaderSize:], buffer)
	if err != nil {
		return refusal(err)
	}
	c.run(nil)
	made := c.status()
	c.free()
	return made
}
