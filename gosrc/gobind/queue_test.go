package gobind

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"unsafe"
)

// drained is a queue's buffer and the id of the last fetch that has been handed out.
type drained struct {
	queue  uint64
	buffer []byte
	done   uint64
}

func openDrained(t *testing.T) *drained {
	d := &drained{OpenQueue(), make([]byte, DrainCapacity), 0}
	outside.Store(d, d.buffer)
	t.Cleanup(func() { CloseQueue(d.queue) })
	return d
}

// submit sends a call of ping with that id.
func (d *drained) submit(t *testing.T, id, n uint64) {
	frame := words(ping, HeaderSize+8, id, 0, 0, n)
	outside.Store(&frame[0], frame)
	Submit(d.queue, unsafe.Pointer(&frame[0]), uint64(len(frame)))
}

// fetch is the entries that one call brings, each id, tag and word.
func (d *drained) fetch() (fetch uint64, entries [][3]uint64) {
	Drain(d.queue, unsafe.Pointer(&d.buffer[0]), d.done)
	at := func(i int) uint64 { return binary.LittleEndian.Uint64(d.buffer[8*i:]) }
	for i := 0; i < int(at(1)); i++ {
		entries = append(entries, [3]uint64{at(2 + 3*i), at(3 + 3*i), at(4 + 3*i)})
	}
	return at(0), entries
}

func (d *drained) wait() { WaitQueue(d.queue) }

// Who is interrupted before all is handed out gets the same again.
func TestAFetchIsRepeatedUntilItIsHandedOut(t *testing.T) {
	d := openDrained(t)
	d.submit(t, 1, 11)
	d.wait()
	fetch, entries := d.fetch()
	d.submit(t, 2, 22)
	d.wait()
	again, same := d.fetch()
	if fetch != 1 || again != 1 || len(entries) != 1 || entries[0] != same[0] || entries[0] != [3]uint64{1, EntryValue, 11} {
		t.Fatal(fetch, entries, again, same)
	}
	d.done = fetch
	fetch, entries = d.fetch()
	if fetch != 2 || len(entries) != 1 || entries[0] != [3]uint64{2, EntryValue, 22} {
		t.Fatal(fetch, entries)
	}
	d.done = fetch
	if fetch, _ = d.fetch(); fetch != 2 {
		t.Error("fetched what is not there")
	}
}

func (d *drained) completion(callID uint64) (kind uint64, id uint64) {
	buffer := make([]byte, ReplyCapacity)
	outside.Store(&buffer[0], buffer)
	id = Completion(d.queue, callID, uint64(uintptr(unsafe.Pointer(&buffer[0]))))
	return binary.LittleEndian.Uint64(buffer), id
}

// A status that has been fetched waits until it is asked for, cancelled, or the queue closes.
func TestStatusesWaitInTheQueue(t *testing.T) {
	unleaked(t)
	failing(t, func(context.Context) error { return errors.New("no") })
	d := openDrained(t)
	for callID := uint64(1); callID <= 3; callID++ {
		d.submit(t, callID, 0)
		d.wait()
		fetch, entries := d.fetch()
		if len(entries) != 1 || entries[0] != [3]uint64{callID, EntryStatus, d.queue} {
			t.Fatal(entries)
		}
		d.done = fetch
	}
	if kind, id := d.completion(1); kind != StatusError || id != 0 {
		t.Error(kind, id)
	}
	for callID := uint64(1); callID <= 2; callID++ {
		Cancel(d.queue, callID)
		if kind, _ := d.completion(callID); kind != StatusNone {
			t.Error(callID, kind)
		}
	}
	if CloseQueue(d.queue) != 0 || queueOf(d.queue) != nil {
		t.Error("the queue is left")
	}
}

// A closed queue is known until the calls in flight have ended: they may use memory of the caller.
func TestAClosedQueueTellsOfCallsInFlight(t *testing.T) {
	d := openDrained(t)
	q := queueOf(d.queue)
	cancelled := false
	q.cancels[1] = func() { cancelled = true }
	for i := 0; i < 2; i++ {
		if n := CloseQueue(d.queue); n != 1 || !cancelled {
			t.Error(n, cancelled)
		}
	}
	q.push(completion{callID: 1})
	eventually(t, func() bool { return queueOf(d.queue) == nil })
	if n := CloseQueue(d.queue); n != 0 {
		t.Error(n)
	}
}
