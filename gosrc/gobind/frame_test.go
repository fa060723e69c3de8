package gobind

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

// same compares values whose times may have zones that are equal but not identical.
func same(a, b everything) bool {
	for _, v := range []*everything{&a, &b} {
		v.When = wallTime(v.When)
		v.Rows = append([]row{}, v.Rows...)
		for i := range v.Rows {
			v.Rows[i].When = wallTime(v.Rows[i].When)
		}
	}
	return reflect.DeepEqual(a, b)
}

func wallTime(t time.Time) time.Time {
	_, offset := t.Zone()
	return time.Unix(t.Unix()+int64(offset), int64(t.Nanosecond())).UTC()
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	frame, err := encode(&want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(frame)
	if err != nil || !same(got, want) {
		t.Fatal(err, problem(got, want))
	}
}

func TestLargeBlocksAreSegmentsOfTheirOwn(t *testing.T) {
	want := sample()
	want.Text = strings.Repeat("text", ExternalSize)
	want.Bytes = bytes.Repeat([]byte{7}, ExternalSize)
	want.List = make([]int16, ExternalSize)
	var w Writer
	buffer := make([]byte, ReplyCapacity)
	w.reset(buffer)
	writeRecord(&w, &want, writeEverything)
	if w.inGiven() {
		t.Error("the frame cannot be in the buffer")
	}
	segments := w.frame()
	for i := range buffer { // the caller may use its buffer again
		buffer[i] = 0xff
	}
	if &segments[2][0] != &want.Bytes[0] {
		t.Error("a large []byte was copied")
	}
	got, err := decode(segments...)
	if err != nil || !same(got, want) {
		t.Fatal(err)
	}
}

func TestAFrameThatOutgrowsTheBufferMovesToGoMemory(t *testing.T) {
	want := sample()
	want.Users = make([]user, 20000)
	for _, size := range []int{0, 10, 300, 1000, ReplyCapacity} {
		var w Writer
		w.reset(make([]byte, size))
		writeRecord(&w, &want, writeEverything)
		got, err := decode(w.frame()...)
		if err != nil || w.inGiven() || !same(got, want) {
			t.Fatal(size, err)
		}
	}
}

func TestTruncatedFramesAreRefused(t *testing.T) {
	v := sample()
	frame, _ := encode(&v)
	for n := 0; n < len(frame); n++ {
		if _, err := decode(frame[:n:n]); err == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(frame))
		}
	}
	if _, err := decode(frame, []byte{0}); err == nil || err.Error() != "1 bytes too many" {
		t.Fatal(err)
	}
}

func TestFlippedBytesNeverPanic(t *testing.T) {
	v := sample()
	frame, _ := encode(&v)
	for i := range frame {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := append([]byte{}, frame...)
			bad[i] ^= flip
			_, _ = decode(bad)
		}
	}
}

func words(numbers ...uint64) []byte {
	b := make([]byte, 8*len(numbers))
	for i, n := range numbers {
		binary.LittleEndian.PutUint64(b[8*i:], n)
	}
	return b
}

func TestRefusals(t *testing.T) {
	strs := func(r *Reader) { ReadStrings(r, ColumnOf(make([]string, 2))) }
	sets := func(r *Reader) { ReadSets(r, ColumnOf(make([]map[uint8]struct{}, 1)), 1, ReadNumbers[uint8]) }
	maps := func(r *Reader) {
		ReadMaps(r, ColumnOf(make([]map[uint8]bool, 1)), 2, ReadNumbers[uint8], ReadBools)
	}
	times := func(r *Reader) { ReadTimes(r, ColumnOf(make([]time.Time, 1))) }
	lists := func(r *Reader) { ReadLists(r, ColumnOf(make([][]int, 1)), 8, ReadNumbers[int]) }
	cases := []struct {
		frame []byte
		read  func(*Reader)
		want  string
	}{
		{append(words(1<<1), 'x'), strs, "expected 2 joined strings, got 1"},
		{append(words(5<<1), "a\x00b\x00c"...), strs, "expected 2 joined strings, got more"},
		{append(words(1<<1), 0xff), strs, "a string is not UTF-8"},
		{append(words(2<<1|1, 1, 1), "ü"...), strs, "a string ends within a character"},
		{append(words(2<<1|1, 1, 0), "ab"...), strs, "1 bytes of text too many"},
		{append(words(2<<1|1, 3, 0), "ab"...), strs, "truncated: expected a string of 3 bytes, got 2"},
		{words(math.MaxUint64), strs, "truncated: expected 2 times 8 more bytes, got 0"},
		{append(words(2), 5, 5), sets, "a set of 2 items has only 1 different ones"},
		{append(words(2), 5, 5, 0, 0), maps, "a map of 2 entries has only 1 different keys"},
		{append(words(1), 5, 2), maps, "expected 0 or 1 for a bool, got 2"},
		{append(words(0), 0, 0, 2, 0), times, "time 0 with UTC offset 131072 is out of range"},
		{append(words(1<<63), 0, 0, 0, 0), times, "time -9223372036854775808 with UTC offset 0 is out of range"},
		{words(1 << 60), lists, "truncated: expected 1152921504606846976 more values, got 0 bytes"},
		{append(words(9), make([]byte, 9)...), lists, "truncated: expected 9 values of at least 8 bytes, got 9 bytes"},
		{[]byte{2}, func(r *Reader) { ReadTags(r, 1, 2) }, "expected a union's option below 2, got 2"},
		{nil, func(r *Reader) { ReadTag(r, Tag{Tag: 256}, 2) }, "expected a union's option below 2, got 256"},
		{[]byte{3}, func(r *Reader) { ReadEmpty(r, 1) }, "expected 0 for an empty struct, got 3"},
		{nil, func(r *Reader) { ReadBuffer[int](r, Ref{0, 1}) }, "a buffer of 1 items cannot be at address 0x0"},
	}
	for _, c := range cases {
		r := NewReader(c.frame)
		c.read(r)
		if err := r.Close(); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestNaNKeysAreDifferentKeys(t *testing.T) {
	v := sample()
	v.Map = map[float64]bool{math.NaN(): true, math.NaN(): false}
	frame, _ := encode(&v)
	got, err := decode(frame)
	if err != nil || len(got.Map) != 2 {
		t.Fatal(got.Map, err)
	}
}

func TestAColumnDoesNotCrossSegments(t *testing.T) {
	numbers := make([]int, 2)
	r := NewReader(words(1), nil, words(2))
	ReadNumbers(r, ColumnOf(numbers))
	if err := r.Close(); err == nil || err.Error() != "truncated: expected 16 more bytes, got 8" {
		t.Fatal(err)
	}
}

func TestBytesMayBeAppendedTo(t *testing.T) {
	blobs := make([][]byte, 2)
	ReadBytes(NewReader(words(1, 1), []byte("ab")), ColumnOf(blobs))
	_ = append(blobs[0], 'x')
	if string(blobs[1]) != "b" {
		t.Fatal("appending to one slice changed the next")
	}
}

// A few bytes must not make the reader allocate much: not at once, and not by many blocks that are put off.
func TestAllocationIsInProportionToTheFrame(t *testing.T) {
	v := sample()
	frame, _ := encode(&v)
	for at := 0; at+8 <= len(frame); at++ {
		bad := append([]byte{}, frame...)
		binary.LittleEndian.PutUint64(bad[at:], 1<<33)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = decode(bad)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64*uint64(len(frame))+1<<16 {
			t.Fatalf("%d bytes allocated for a frame of %d", used, len(frame))
		}
	}
}

func chain(n int) tree {
	leaf := tree{List: []tree{}, Map: map[string]tree{}}
	for i := 1; i < n; i++ {
		last := leaf
		leaf = tree{Value: i, List: []tree{}, Map: map[string]tree{}}
		switch i % 3 {
		case 0:
			leaf.List = []tree{last}
		case 1:
			leaf.Map["x"] = last
		case 2:
			leaf.Parent = &last
		}
	}
	return leaf
}

func TestDeepValues(t *testing.T) {
	const n = 100000
	v := sample()
	v.Tree = chain(n)
	frame, err := encode(&v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	depth, at := 1, got.Tree
	for {
		if len(at.List) > 0 {
			at = at.List[0]
		} else if next, ok := at.Map["x"]; ok {
			at = next
		} else if at.Parent != nil {
			at = *at.Parent
		} else {
			break
		}
		depth++
	}
	if depth != n {
		t.Fatal(depth)
	}
}

func TestValuesThatContainThemselvesAreRefused(t *testing.T) {
	pointer, list, entry := tree{}, tree{List: make([]tree, 2)}, tree{Map: map[string]tree{}}
	pointer.Parent = &tree{Parent: &pointer}
	list.List[1] = list
	entry.Map["x"] = entry
	for _, bad := range []tree{pointer, list, entry} {
		v := sample()
		v.Tree = bad
		_, err := encode(&v)
		if err == nil || !strings.HasSuffix(err.Error(), ": the value contains itself, so it has no end") {
			t.Fatal(err)
		}
	}
	shared := chain(3)
	v := sample()
	v.Tree.List = nil
	for i := 0; i < 1000; i++ {
		v.Tree = tree{List: []tree{v.Tree}, Parent: &shared}
	}
	if _, err := encode(&v); err != nil {
		t.Fatal("a value that is merely shared:", err)
	}
}

func TestValuesThatPythonHasNot(t *testing.T) {
	cases := []struct {
		spoil func(*everything)
		want  string
	}{
		{func(v *everything) { v.Shape = nil }, "everything.shape: expected a shape, got nil"},
		{func(v *everything) { v.Shape = (*user)(nil) }, "everything.shape: expected a shape, got nil"},
		{func(v *everything) { v.Rows[0].Shape = nil }, "row.shape: expected a shape, got nil"},
		{
			func(v *everything) { v.When = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
			"everything.when: the year of a time must be 1 to 9999, got 10000",
		},
		{
			func(v *everything) { v.When = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).In(time.FixedZone("", -1)) },
			"everything.when: the year of a time must be 1 to 9999, got 0",
		},
		{
			func(v *everything) { v.When = time.Unix(0, 0).In(time.FixedZone("", day)) },
			"everything.when: the UTC offset of a time must be less than 24 hours, got 86400 seconds",
		},
	}
	for _, c := range cases {
		v := sample()
		c.spoil(&v)
		if _, err := encode(&v); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	v := everything{Shape: user{}} // values in unions, nil slices and maps, Go's zero time
	if _, err := encode(&v); err != nil {
		t.Error(err)
	}
}
