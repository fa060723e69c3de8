// Package main tests streams inside other values.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
)

type clients struct{}

// contexts are those of streams that have not ended.
var contexts int64

func init() { RegisterClients(clients{}) }

func (clients) Open(context.Context) (Client, error) { return &client{}, nil }

func (clients) Contexts(context.Context) (int, error) { return int(atomic.LoadInt64(&contexts)), nil }

type client struct{ closed bool }

// count counts a context until it ends.
func count(ctx context.Context) {
	atomic.AddInt64(&contexts, 1)
	go func() {
		<-ctx.Done()
		atomic.AddInt64(&contexts, -1)
	}()
}

// chunks are the texts of the numbers below n, of 0 to -n - 1 and a failure for a negative one. The stream ends with ctx.
func chunks(ctx context.Context, n int) func(yield func([]byte, error) bool) {
	return func(yield func([]byte, error) bool) {
		for i := 0; i != n; i++ {
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			if i == -n {
				yield(nil, fmt.Errorf("chunk %d is broken", i))
				return
			}
			if !yield([]byte(strconv.Itoa(i)), nil) {
				return
			}
		}
	}
}

// numbers are those below n.
func numbers(ctx context.Context, n int) func(yield func(int, error) bool) {
	return func(yield func(int, error) bool) {
		for i := 0; i < n; i++ {
			if ctx.Err() != nil {
				yield(0, ctx.Err())
				return
			}
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (c *client) Get(ctx context.Context, url string, n int) (Response, error) {
	count(ctx)
	return Response{200, map[string]string{"url": url}, chunks(ctx, n)}, nil
}

func (c *client) GetLate(ctx context.Context, begun func(context.Context) error, n int) (Response, error) {
	count(ctx)
	return Response{Body: chunks(ctx, n)}, begun(ctx)
}

func (c *client) Hangs(ctx context.Context, n int) ([]Response, error) {
	count(ctx)
	made := make([]Response, n)
	for i := range made {
		made[i] = Response{Body: func(yield func([]byte, error) bool) {
			if yield([]byte("begun"), nil) {
				<-ctx.Done()
				yield(nil, ctx.Err())
			}
		}}
	}
	return made, nil
}

func (c *client) Post(ctx context.Context, request *Request) (Response, error) {
	count(ctx)
	if request.Body == nil {
		return Response{204, nil, chunks(ctx, 0)}, nil
	}
	var all [][]byte
	var failed error
	request.Body(func(chunk []byte, err error) bool {
		all, failed = append(all, chunk), err
		return err == nil
	})
	return Response{200, nil, func(yield func([]byte, error) bool) {
		for _, chunk := range all {
			if !yield(chunk, nil) {
				return
			}
		}
	}}, failed
}

// Read is what README recommends for an io.Reader.
func (c *client) Read(_ context.Context, request *Request, size int) ([]byte, error) {
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		request.Body(func(chunk []byte, err error) bool {
			if err == nil {
				_, err = w.Write(chunk)
			}
			if err != nil {
				w.CloseWithError(err)
			}
			return err == nil
		})
		w.Close()
	}()
	data := make([]byte, size)
	n, err := io.ReadFull(r, data)
	if err == io.ErrUnexpectedEOF {
		err = nil
	}
	return data[:n], err
}

func (c *client) Many(ctx context.Context, n int) ([]Response, error) {
	count(ctx)
	made := make([]Response, n)
	for i := range made {
		made[i] = Response{i, nil, chunks(ctx, i%5)}
	}
	return made, nil
}

func (c *client) Some(ctx context.Context, n, nilAt int) ([]Response, error) {
	made, err := c.Many(ctx, n)
	made[nilAt].Body = nil
	return made, err
}

func (c *client) Pair(ctx context.Context, n int) (TupleIntStreamInt, error) {
	count(ctx)
	return TupleIntStreamInt{n, numbers(ctx, n)}, nil
}

func (c *client) Maybe(ctx context.Context, n int) (func(yield func(int, error) bool), error) {
	count(ctx)
	if n == 0 {
		return nil, nil
	}
	return numbers(ctx, n), nil
}

func (c *client) ByName(ctx context.Context, names []string) (map[string]func(yield func(string, error) bool), error) {
	count(ctx)
	made := map[string]func(yield func(string, error) bool){}
	for _, name := range names {
		name := name
		made[name] = func(yield func(string, error) bool) {
			for _, letter := range name {
				if ctx.Err() != nil || !yield(string(letter), nil) {
					return
				}
			}
		}
	}
	return made, nil
}

func (c *client) Crawl(ctx context.Context, pages int) (func(yield func(Response, error) bool), error) {
	count(ctx)
	return func(yield func(Response, error) bool) {
		for i := 0; i < pages; i++ {
			if !yield(Response{i, nil, chunks(ctx, i)}, nil) {
				return
			}
		}
	}, nil
}

func (c *client) Lines(_ context.Context, count int) (func(yield func([]byte, error) bool), error) {
	return func(yield func([]byte, error) bool) {
		buffer := make([]byte, 0, 20)
		for i := 0; i < count; i++ {
			if !yield(strconv.AppendInt(buffer, int64(i), 10), nil) {
				return
			}
		}
	}, nil
}

func (c *client) Records(_ context.Context, count int) (func(yield func(Record, error) bool), error) {
	return func(yield func(Record, error) bool) {
		number := 0
		list := []any{0, nil}
		record := Record{
			Tags: []string{""}, Counts: map[string]int{}, Maybe: &number, Anything: map[string]any{"list": list}, Data: make([]byte, 8),
		}
		for ; number < count; number++ {
			record.Number, record.Tags[0], record.Counts["n"] = number, strconv.Itoa(number), number
			list[0] = number
			binary.LittleEndian.PutUint64(record.Data, uint64(number))
			if !yield(record, nil) {
				return
			}
		}
	}, nil
}

func (c *client) RecordsLater(ctx context.Context, count int) (func(yield func(Record, error) bool), error) {
	return c.Records(ctx, count)
}

func tree(ctx context.Context, depth int) Tree {
	return Tree{depth, func(yield func(Tree, error) bool) {
		for i := 0; i < depth; i++ {
			if ctx.Err() != nil {
				yield(Tree{}, ctx.Err())
				return
			}
			if !yield(tree(ctx, depth-1), nil) {
				return
			}
		}
	}}
}

func (c *client) Tree(ctx context.Context, depth int) (Tree, error) {
	count(ctx)
	return tree(ctx, depth), nil
}

func (c *client) Rows(
	ctx context.Context, counts []int,
) (func(yield func(func(yield func(int, error) bool), error) bool), error) {
	count(ctx)
	return func(yield func(func(yield func(int, error) bool), error) bool) {
		for _, n := range counts {
			if !yield(numbers(ctx, n), nil) {
				return
			}
		}
	}, nil
}

func (c *client) Feed(ctx context.Context, n int) (Feed, error) {
	count(ctx)
	return Feed{strconv.Itoa(n), numbers(ctx, n)}, nil
}

func sum(items func(yield func(int, error) bool)) (total int, failed error) {
	items(func(item int, err error) bool {
		total, failed = total+item, err
		return err == nil
	})
	return total, failed
}

func (c *client) Feeds(_ context.Context, feeds []Feed) (sums []int, err error) {
	for _, feed := range feeds {
		total, failed := sum(feed.Items)
		if failed != nil {
			err = failed
		}
		sums = append(sums, total)
	}
	return sums, err
}

func (c *client) Totals(
	_ context.Context, streams map[string]func(yield func(int, error) bool),
) (made map[string]int, err error) {
	made = map[string]int{}
	for name, stream := range streams {
		made[name] = -1
		if stream != nil {
			if made[name], err = sum(stream); err != nil {
				return nil, err
			}
		}
	}
	return made, nil
}

func (c *client) Twice(
	_ context.Context, items func(yield func(int, error) bool), first int,
) (taken []int, failed error) {
	for loop := 0; loop < 2; loop++ {
		items(func(item int, err error) bool {
			if failed = err; err == nil {
				taken = append(taken, item)
			}
			return err == nil && len(taken) != first
		})
	}
	return taken, failed
}

func (c *client) Grandtotal(
	_ context.Context, rows func(yield func(func(yield func(int, error) bool), error) bool),
) (total int, failed error) {
	rows(func(row func(yield func(int, error) bool), err error) bool {
		if failed = err; err == nil {
			var part int
			part, failed = sum(row)
			total += part
		}
		return failed == nil
	})
	return total, failed
}

func (c *client) Serve(
	ctx context.Context, handler func(context.Context, *Request) (Response, error), n int,
) (all []byte, err error) {
	response, err := handler(ctx, &Request{"/", chunks(ctx, n)})
	if err != nil {
		return nil, err
	}
	response.Body(func(chunk []byte, failed error) bool {
		all, err = append(all, chunk...), failed
		return failed == nil
	})
	return all, err
}

func (c *client) Anything(ctx context.Context, value any) (any, error) {
	count(ctx)
	if request, ok := value.(*Request); ok {
		response, err := c.Post(ctx, request)
		return map[string]any{"response": response}, err
	}
	return value, nil
}

func (c *client) Labelled(_ context.Context, _, _ any, items func(yield func(int, error) bool)) (int, error) {
	return sum(items)
}

func (c *client) Close(context.Context) error {
	if c.closed {
		return errors.New("closed twice")
	}
	c.closed = true
	return nil
}
