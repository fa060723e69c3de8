package gobind

import (
	"bytes"
	"testing"
)

// postNumber posts a call of object's method 0 with one number.
func postNumber(object *PythonObject, n int64) {
	q, m := NewCallback[int64](object, "OneWay[[int], None]")
	*m = n
	q.Post(0)
}

func TestPostsAreDeliveredInOrderAndDroppedBeyondTheCapacity(t *testing.T) {
	begun, goOn, seen := make(chan struct{}), make(chan struct{}), make(chan []byte, OneWayCapacity+1)
	becomePython(t, func(_, _ uint64, request []byte, to *Reply) {
		if bytes.Equal(request, words(0)) {
			close(begun)
			<-goOn
		}
		seen <- request
		to.value, to.kind = 0, AnswerValue
	})
	object, before := &PythonObject{id: 1}, Dropped()
	postNumber(object, 0)
	<-begun
	for n := int64(1); n <= OneWayCapacity+7; n++ {
		postNumber(object, n)
	}
	if dropped := Dropped() - before; dropped != 7 {
		t.Errorf("dropped %d of %d calls, not 7", dropped, OneWayCapacity+7)
	}
	close(goOn)
	for n := uint64(0); n <= OneWayCapacity; n++ {
		if request := <-seen; !bytes.Equal(request, words(n)) {
			t.Fatalf("call %d came as % x", n, request)
		}
	}
}

func TestWhatCannotBePostedIsReported(t *testing.T) {
	p := becomePython(t, func(_, _ uint64, _ []byte, to *Reply) { to.value, to.kind = 0, AnswerValue })
	p.reports = make(chan string, 1)
	q, _ := NewCallback[int64](&PythonObject{id: 1}, "OneWay[[str], None]")
	q.Out.fail("not a text")
	q.Post(0)
	if report := <-p.reports; report != "OneWay[[str], None]: not a text" {
		t.Error(report)
	}
}

func TestAnExceptionOfAHandlerIsReported(t *testing.T) {
	p := becomePython(t, func(_, _ uint64, _ []byte, to *Reply) {
		new(python).put(to, AnswerException, exception(1, "ValueError", "odd", -1, 0, nil))
	})
	p.reports = make(chan string, 1)
	postNumber(&PythonObject{id: 1}, 5)
	if report := <-p.reports; report != "ValueError: odd" {
		t.Error(report)
	}
}
