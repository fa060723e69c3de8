// Go keeps what it was given, waits until it is told to go on, and calls the collector.
package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
)

type server struct {
	mutex   sync.Mutex
	changed *sync.Cond
	item    Item
	table   map[string][]byte
	met     map[string]chan struct{}
	sent    map[string]chan struct{}
	present map[string]int
	numbers []int
}

func init() {
	s := &server{
		met:     map[string]chan struct{}{},
		sent:    map[string]chan struct{}{},
		present: map[string]int{},
	}
	s.changed = sync.NewCond(&s.mutex)
	RegisterKeeper(s)
}

// Keeping

func (s *server) Keep(
	_ context.Context, name string, data []byte, words []string, item *Item, table map[string][]byte,
) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.item, s.table = Item{Name: name, Data: data, Tags: words, More: []Item{*item}}, table
	return nil
}

func (s *server) KeepLater(
	ctx context.Context, name string, data []byte, words []string, item *Item, table map[string][]byte,
) error {
	return s.Keep(ctx, name, data, words, item, table)
}

func (s *server) Spoil(context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	spoil(&s.item)
	for key, data := range s.table {
		s.table[key] = append(data, '+')
	}
	return nil
}

// spoil writes over all bytes, and appends to each slice: nothing of it may reach a neighbour.
func spoil(item *Item) {
	for i := range item.Data {
		item.Data[i] = '.'
	}
	item.Data = append(item.Data, "+++++++++"...)
	item.Tags = append(item.Tags, "+")
	for i := range item.More {
		spoil(&item.More[i])
	}
}

func (s *server) Kept(context.Context) (Item, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.item, nil
}

func (s *server) KeptTable(context.Context) (map[string][]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.table, nil
}

func (s *server) Forget(context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.item, s.table = Item{}, nil
	return nil
}

func (s *server) Collect(_ context.Context, name string, items []Item) ([]Item, error) {
	for i := 0; i < 3; i++ {
		garbage := make([][]byte, 1000)
		for j := range garbage {
			garbage[j] = make([]byte, 100+j)
		}
		runtime.GC()
		runtime.KeepAlive(garbage)
	}
	return append(items, Item{Name: name}), nil
}

// Meeting

func (s *server) channel(table map[string]chan struct{}, place string) chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if table[place] == nil {
		table[place] = make(chan struct{})
	}
	return table[place]
}

func (s *server) Meet(_ context.Context, place string, words []string, data []byte, item *Item) (Item, error) {
	close(s.channel(s.met, place))
	<-s.channel(s.sent, place)
	made := Item{Name: place, Data: data, Tags: words, More: []Item{*item}}
	s.mutex.Lock()
	s.item = made
	s.mutex.Unlock()
	close(s.channel(s.met, place+" is over"))
	return made, nil
}

func (s *server) MeetLater(
	ctx context.Context, place string, words []string, data []byte, item *Item,
) (Item, error) {
	return s.Meet(ctx, place, words, data, item)
}

func (s *server) AwaitMeeting(_ context.Context, place string) error {
	<-s.channel(s.met, place)
	return nil
}

func (s *server) SendOn(_ context.Context, place string) error {
	close(s.channel(s.sent, place))
	return nil
}

func (s *server) Rendezvous(_ context.Context, place string, others int) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.present[place]++
	s.changed.Broadcast()
	for s.present[place] <= others {
		s.changed.Wait()
	}
	return s.present[place], nil
}

// Pushing

func (s *server) Push(_ context.Context, number int) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.numbers = append(s.numbers, number)
	s.changed.Broadcast()
	return nil
}

func (s *server) PushFar(ctx context.Context, number int) error { return s.Push(ctx, number) }

func (s *server) Pushed(_ context.Context, count int) ([]int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for len(s.numbers) < count {
		s.changed.Wait()
	}
	numbers := s.numbers
	s.numbers = nil
	return numbers, nil
}

// A mixture

func (s *server) Add(_ context.Context, a, b int) (int, error) { return a + b, nil }

func (s *server) Greet(_ context.Context, name string) (string, error) { return "hello " + name, nil }

func (s *server) Total(_ context.Context, numbers []int) (int, error) {
	total := 0
	for _, number := range numbers {
		total += number
	}
	return total, nil
}

func (s *server) Refuse(_ context.Context, why string) (string, error) { return "", errors.New(why) }
