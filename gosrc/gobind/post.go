package gobind

import (
	"context"
	"runtime"
	"sync"
	"unsafe"
)

// post is a call of a one-way function that waits for Python. What it passes is in the frame already.
type post struct {
	q      *Callback
	method uint64
	frame  unsafe.Pointer
	size   uint64
	ok     bool // false: the error of q says why the call cannot be made
}

// posts are the calls of one-way functions that wait. One goroutine makes them, always on the same thread.
var posts = struct {
	sync.Mutex
	waiting []post
	dropped int64
	started bool
	wake    chan struct{}
}{wake: make(chan struct{}, 1)}

// Post calls a method without waiting for Python, and ends the callback. If OneWayCapacity calls wait already, this
// one is dropped, and counted.
func (q *Callback) Post(method uint64) {
	frame, size, ok := q.frame(context.Background())
	if !enqueue(post{q, method, frame, size, ok}) {
		_ = q.End()
	}
}

func enqueue(p post) bool {
	posts.Lock()
	defer posts.Unlock()
	if len(posts.waiting) >= OneWayCapacity {
		posts.dropped++
		return false
	}
	posts.waiting = append(posts.waiting, p)
	if !posts.started {
		posts.started = true
		go deliverPosts()
	}
	select {
	case posts.wake <- struct{}{}:
	default:
	}
	return true
}

// nextPost takes the call that has waited longest.
func nextPost() (p post, ok bool) {
	posts.Lock()
	defer posts.Unlock()
	if len(posts.waiting) == 0 {
		return p, false
	}
	p = posts.waiting[0]
	posts.waiting[0] = post{} // or the array would keep its objects
	posts.waiting = posts.waiting[1:]
	return p, true
}

func deliverPosts() {
	runtime.LockOSThread() // Python's functions see one thread
	for range posts.wake {
		for p, ok := nextPost(); ok; p, ok = nextPost() {
			p.deliver()
		}
	}
}

// deliver makes the call. Python reports what its function raises; an error here is of a value that cannot be passed.
func (p post) deliver() {
	if p.ok && p.q.askWith(p.method, p.frame, p.size, AnswerValue) {
		p.q.err = p.q.reply.lateError()
	}
	if err := p.q.End(); err != nil {
		text := append([]byte(err.Error()), 0) // that of an exception without name and text is empty
		enter(0, UpcallReport, unsafe.Pointer(&text[0]), uint64(len(text)-1), new(Reply))
	}
}

// Dropped returns how many calls of one-way functions were dropped.
func Dropped() int64 {
	posts.Lock()
	defer posts.Unlock()
	return posts.dropped
}
