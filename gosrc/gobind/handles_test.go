package gobind

import (
	"errors"
	"runtime"
	"sync"
	"testing"
)

// door is an interface of objects, and room an implementation in Go.
type door interface{ Open() int }

type room struct{ number int }

func (r *room) Open() int { return r.number }

// sign is an object of Python.
type sign struct{ object *PythonObject }

func (sign) Open() int                     { return 0 }
func (s sign) PythonObject() *PythonObject { return s.object }
func wrapDoor(object *PythonObject) door   { return sign{object} }
func (r *room) equal(other door, t *testing.T) {
	t.Helper()
	if other != door(r) {
		t.Errorf("got %v, want %v", other, r)
	}
}

var doorRoot = NewRoot[door]("Door", "RegisterDoor")

// unleaked checks at the end of a test that no handle has been left.
func unleaked(t *testing.T) {
	before := Live()
	t.Cleanup(func() {
		if after := Live(); after != before {
			t.Errorf("%d handles are left", after-before)
		}
	})
}

func TestHandlesAreNeverReused(t *testing.T) {
	unleaked(t)
	seen := map[uint64]bool{}
	for i := 0; i < 1000; i++ {
		handle := handles.add(i)
		if seen[handle] || handle == 0 || handle&PythonOwned != 0 {
			t.Fatalf("handle %#x", handle)
		}
		seen[handle] = true
		if value, ok := handles.get(handle); !ok || value != i {
			t.Fatal(value, ok)
		}
		Release(handle)
		Release(handle) // a stale one, even if its slot has a new value
	}
	for handle := range seen {
		if _, ok := handles.get(handle); ok || Retain(handle) != 0 {
			t.Fatalf("handle %#x is not stale", handle)
		}
	}
	for _, handle := range []uint64{0, 1, 1 << 62, 1<<63 - 1} {
		if _, ok := handles.get(handle); ok {
			t.Errorf("%#x is a handle", handle)
		}
	}
}

func TestHandlesAreCounted(t *testing.T) {
	unleaked(t)
	handle := handles.add("x")
	if Retain(handle) != handle {
		t.Error("not retained")
	}
	Release(handle)
	if _, ok := handles.get(handle); !ok {
		t.Error("released too early")
	}
	Release(handle)
	if _, ok := handles.get(handle); ok {
		t.Error("not released")
	}
}

func TestIdentity(t *testing.T) {
	unleaked(t)
	r := &room{1}
	first, second := handles.addKnown(doorRoot, r), handles.addKnown(doorRoot, r)
	if first != second {
		t.Error("one value has two handles")
	}
	other := handles.addKnown(serviceRoot, r)
	if other == first {
		t.Error("two interfaces share a handle")
	}
	Release(first)
	if handles.addKnown(doorRoot, r) != first {
		t.Error("the handle has changed while it was held")
	}
	Release(first)
	Release(first)
	if again := handles.addKnown(doorRoot, r); again == first {
		t.Error("a handle has come back to life")
	} else {
		Release(again)
	}
	Release(other)
}

// tricky looks comparable.
type tricky struct{ value any }

func TestValuesWithoutIdentity(t *testing.T) {
	unleaked(t)
	nan := 0.0
	nan /= nan
	for _, value := range []any{[]int{1}, tricky{[]int{1}}, map[int]int{}, func() {}, tricky{nan}} {
		first, second := handles.addKnown(doorRoot, value), handles.addKnown(doorRoot, value)
		if first == second {
			t.Errorf("%v has an identity", value)
		}
		Release(first)
		Release(second)
	}
	if len(handles.known) != 0 {
		t.Error(handles.known)
	}
}

func TestHandlesOfManyThreads(t *testing.T) {
	unleaked(t)
	shared := &room{2}
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 2000; j++ {
				handle := handles.addKnown(doorRoot, shared)
				own := handles.add(j)
				if value, ok := handles.get(handle); !ok || value != any(shared) {
					t.Error(value, ok)
				}
				if value, _ := handles.get(own); value != j {
					t.Error(value)
				}
				Release(own)
				Release(handle)
			}
		}()
	}
	group.Wait()
}

// there and back: what one side writes the other reads.
func transfer(t *testing.T, doors []door) ([]door, error) {
	t.Helper()
	var w Writer
	w.reset(nil)
	w.place = "doors"
	writeRecord(&w, &doors, func(w *Writer, m *Ref, v *[]door) {
		*m = WriteList(w, *v, func(w *Writer, c Column[door]) { WriteObjects(w, c, doorRoot) })
	})
	defer w.releaseSent()
	if w.err != nil {
		return nil, w.err
	}
	r := NewReader(w.joined())
	var got []door
	ReadList(r, *overlay[Ref](r), &got, 8, func(r *Reader, c Column[door]) { ReadObjects(r, c, wrapDoor) })
	return got, r.Close()
}

func TestObjectsInFrames(t *testing.T) {
	unleaked(t)
	a, b := &room{1}, &room{2}
	got, err := transfer(t, []door{a, b, a})
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	a.equal(got[0], t)
	b.equal(got[1], t)
	a.equal(got[2], t)
	python := sign{&PythonObject{id: 77}}
	got, err = transfer(t, []door{python})
	if err != nil || got[0].(sign).object.id != 77 {
		t.Error(got, err)
	}
	runtime.SetFinalizer(got[0].(sign).object, nil)
	for _, nothing := range []door{nil, (*room)(nil)} {
		if _, err := transfer(t, []door{a, nothing}); err == nil || err.Error() != "doors: expected an object, got nil" {
			t.Error(err)
		}
	}
}

func TestClosedObjectsDoNotEndTheReading(t *testing.T) {
	unleaked(t)
	stale := handles.add(&room{})
	Release(stale)
	wrong := handles.add("no door")
	defer Release(wrong)
	for _, c := range []struct {
		handle uint64
		closed bool
		want   string
	}{{stale, true, "the object is closed"}, {wrong, false, "expected a gobind.door, got a string"}} {
		r := NewReader(words(c.handle, 5|PythonOwned))
		taken := 0
		for i := 0; i < 2; i++ {
			ReadObject(r, *overlay[uint64](r), func(*PythonObject) door { taken++; return nil })
		}
		if err := r.Close(); err == nil || err.Error() != c.want || r.closed != c.closed || taken != 1 {
			t.Error(err, r.closed, taken)
		}
	}
}

func TestMethodsOfClosedObjects(t *testing.T) {
	unleaked(t)
	frame := pingRequest(1)
	copy(frame[ReceiverOffset:], words(1<<62))
	e := do(frame, nil)
	if _, message, _, _ := failureOf(t, e); e.kind != StatusClosed || message != "Service.ping: the object is closed" {
		t.Error(e.kind, message)
	}
}

// What an upcall is answered with brings a count of each of Go's own handles.
func TestAnswersBringCounts(t *testing.T) {
	unleaked(t)
	r := &room{3}
	handle := handles.addKnown(doorRoot, r)
	var got door
	err := readAnswer(new(Reader), words(handle), &got, func(r *Reader, m *uint64, to *door) {
		*to = ReadObject(r, *m, wrapDoor)
	})
	if err != nil {
		t.Error(err)
	}
	r.equal(got, t)
	if _, ok := handles.get(handle); ok {
		t.Error("the count is still there")
	}
}

// A response that holds handles is told as a status, which holds them until it is released.
func TestStatusesHoldHandles(t *testing.T) {
	unleaked(t)
	r := &room{4}
	failing(t, nil)
	c := &Call{method: &method{name: "Door.self", contract: new(Contract)}}
	c.out.reset(make([]byte, 64))
	value := door(r)
	Respond(c, &value, func(w *Writer, m *uint64, v *door) { *m = WriteObject(w, *v, doorRoot) })
	if c.out.inGiven() {
		t.Error("a frame with handles would be forgotten")
	}
	e := c.status()
	frame := pinned(t, pingRequest(0))
	keepStatus(frame, e)
	_, id := statusOf(frame)
	handle := e.sent[0]
	if _, ok := handles.get(handle); !ok {
		t.Error("the handle is gone too early")
	}
	Release(id)
	if _, ok := handles.get(handle); ok {
		t.Error("the handle is left")
	}
}

func TestAStatusThatNobodyAskedForLetsGoOfHandles(t *testing.T) {
	unleaked(t)
	frame := pinned(t, pingRequest(0))
	keepStatus(frame, &status{sent: []uint64{handles.add(&room{6})}})
	keepStatus(frame, &status{kind: StatusValue})
	statusOf(frame)
}

func TestErrorsLetGoOfWhatTheResultHeld(t *testing.T) {
	unleaked(t)
	c := &Call{method: &method{name: "Door.pair", contract: new(Contract)}}
	c.out.reset(nil)
	pair := [2]door{&room{5}, nil}
	Respond(c, &pair, func(w *Writer, m *[2]uint64, v *[2]door) {
		m[0], m[1] = WriteObject(w, v[0], doorRoot), WriteObject(w, v[1], doorRoot)
	})
	e := c.status()
	var problem *ValueError
	if e.kind != StatusError || !errors.As(c.err, &problem) {
		t.Error(e.kind, c.err)
	}
	e.released()
}
