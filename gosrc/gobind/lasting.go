package gobind

import (
	"context"
	"sync"
)

// lasting is a context that ends when the call and all streams that it has made have ended. Its owner is the object that
// was called: closing that closes the streams, those that the call is still going to make as well.
type lasting struct {
	sync.Mutex
	ctx     context.Context
	cancel  context.CancelFunc
	owner   uint64 // a handle, or 0
	users   int    // the call while it runs, and the streams
	streams map[closer]bool
	closed  bool
}

type closer interface{ close() }

// owned are the contexts that have not ended, by the handle of their owner.
var owned = struct {
	sync.Mutex
	by map[uint64]map[*lasting]bool
}{by: map[uint64]map[*lasting]bool{}}

// newLasting returns the context of a call of that object, which is its first user.
func newLasting(owner uint64, ctx context.Context, cancel context.CancelFunc) *lasting {
	l := &lasting{ctx: ctx, cancel: cancel, owner: owner, users: 1, streams: map[closer]bool{}}
	if owner != 0 {
		owned.Lock()
		defer owned.Unlock()
		if owned.by[owner] == nil {
			owned.by[owner] = map[*lasting]bool{}
		}
		owned.by[owner][l] = true
	}
	return l
}

// closeStreamsOf closes the streams that methods of an object have made, and will have.
func closeStreamsOf(owner uint64) {
	owned.Lock()
	found := owned.by[owner]
	delete(owned.by, owner)
	owned.Unlock()
	for l := range found {
		l.close()
	}
}

// err returns why the context has ended, nil if it has not. A nil context, that of a call of Python, does not end.
func (l *lasting) err() error {
	if l == nil {
		return nil
	}
	return l.ctx.Err()
}

func (l *lasting) close() {
	l.Lock()
	l.closed = true
	streams := l.streams
	l.streams = map[closer]bool{}
	l.Unlock()
	for stream := range streams {
		stream.close()
	}
	if len(streams) > 0 {
		l.cancel()
	}
}

// add adds a stream to the users. A nil context, that of a call of Python, has none.
func (l *lasting) add(stream closer) {
	if l == nil {
		return
	}
	l.Lock()
	l.users++
	closed := l.closed
	if !closed {
		l.streams[stream] = true
	}
	l.Unlock()
	if closed {
		stream.close()
	}
}

// remove ends the use by a stream, or by the call: nil.
func (l *lasting) remove(stream closer) {
	if l == nil {
		return
	}
	l.Lock()
	delete(l.streams, stream)
	l.users--
	ended := l.users == 0
	l.Unlock()
	if ended {
		l.end()
	}
}

func (l *lasting) end() {
	l.cancel()
	owned.Lock()
	defer owned.Unlock()
	delete(owned.by[l.owner], l)
	if len(owned.by[l.owner]) == 0 {
		delete(owned.by, l.owner)
	}
}
