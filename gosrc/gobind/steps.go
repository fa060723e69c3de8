package gobind

// steps is a queue of deferred work, first in, first out; a step may add more. The blocks of types that contain
// themselves go through it, so a deep value needs no deep stack.
type steps[T any] struct {
	list []func(T)
	next int
}

func (s *steps[T]) add(step func(T)) { s.list = append(s.list, step) }

// take removes the first step; there must be one.
func (s *steps[T]) take() func(T) {
	step := s.list[s.next]
	s.list[s.next] = nil
	s.next++
	if s.next == len(s.list) {
		s.list, s.next = s.list[:0], 0
	}
	return step
}

// clear drops all steps and keeps the memory they took.
func (s *steps[T]) clear() {
	for i := range s.list {
		s.list[i] = nil
	}
	s.list, s.next = s.list[:0], 0
}
