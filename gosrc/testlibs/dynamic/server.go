// Echoes of dynamic values, and values that only Go can make.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
	"time"
)

type server struct{ kept chan any }

func init() { RegisterDynamic(&server{make(chan any, 1)}) }

func (*server) Echo(_ context.Context, value any) (any, error)         { return value, nil }
func (*server) EchoObject(_ context.Context, value any) (any, error)   { return value, nil }
func (*server) EchoJSON(_ context.Context, value any) (any, error)     { return value, nil }
func (*server) EchoScalar(_ context.Context, value any) (any, error)   { return value, nil }
func (*server) EchoUnnamed(_ context.Context, v []any) ([]any, error)  { return v, nil }
func (*server) EchoNumbers(_ context.Context, value any) (any, error)  { return value, nil }
func (*server) EchoBox(_ context.Context, box *Box) (Box, error)       { return *box, nil }
func (*server) EchoMixed(_ context.Context, value any) (any, error)    { return value, nil }
func (*server) EchoLater(_ context.Context, value any) (any, error)    { return value, nil }
func (*server) EchoBlocking(_ context.Context, value any) (any, error) { return value, nil }
func (*server) EchoTable(_ context.Context, value map[string]any) (map[string]any, error) {
	return value, nil
}

func (s *server) Keep(_ context.Context, value any) error {
	s.kept <- value
	return nil
}

func (s *server) Kept(ctx context.Context) (any, error) { return <-s.kept, nil }

func (*server) GoType(_ context.Context, value any) (string, error) { return typeOf(value), nil }

func typeOf(value any) string {
	var inner []string
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			inner = append(inner, typeOf(item))
		}
	case map[string]any:
		for key, item := range value {
			inner = append(inner, key+" "+typeOf(item))
		}
		sort.Strings(inner)
	case map[any]any:
		for key, item := range value {
			inner = append(inner, fmt.Sprintf("%T %s", key, typeOf(item)))
		}
		sort.Strings(inner)
	}
	name := strings.ReplaceAll(fmt.Sprintf("%T", value), "interface {}", "any")
	if inner == nil {
		return name
	}
	return name + "{" + strings.Join(inner, ", ") + "}"
}

func (*server) Call(ctx context.Context, f func(context.Context, any) (any, error), value any) (any, error) {
	return f(ctx, value)
}

func (*server) CallJSON(ctx context.Context, f func(context.Context, any) (any, error), value any) (any, error) {
	return f(ctx, value)
}

type (
	celsius float32
	color   string
	level   uint8
	id      [16]byte
)

func (s *server) MakeJSON(ctx context.Context, what string) (any, error) { return s.Make(ctx, what) }

func (*server) Make(_ context.Context, what string) (any, error) {
	switch what {
	case "numbers":
		return []any{
			int8(-1), int16(-2), int32(-3), int(4), uint8(5), uint16(6), uint32(7), uint64(math.MaxUint64), uint(8), uintptr(9),
			float32(1.5), celsius(2.5), level(3), complex64(1 + 2i), json.Number("12"), json.Number("-1.5e3"),
			json.Number("123456789012345678901234567890"), new(big.Int).Lsh(big.NewInt(-1), 100), *big.NewInt(5),
		}, nil
	case "typed":
		return map[string]any{
			"ints": []int{1, 2}, "strings": []string{"a"}, "array": [2]bool{true, false}, "color": color("red"), "id": id{1}, "bytes": []byte("x"),
			"map": map[color]int{"red": 1}, "numbers": map[int8]string{-1: "x"}, "nested": map[string][]map[string]int{"a": {{"b": 1}}},
			"user": User{1, "a"}, "pointer": &User{2, "b"}, "users": []User{{3, "c"}}, "ids": map[[16]byte]int{{1}: 1},
			"time": time.Unix(0, 0).UTC(), "duration": time.Second, "month": time.May,
		}, nil
	case "nil":
		var user *User
		var number *big.Int
		return []any{nil, user, number, []any(nil), map[string]any(nil), []int(nil), map[int]int(nil), []byte(nil)}, nil
	case "channel":
		return []any{1, map[string]any{"k": []any{make(chan int)}}}, nil
	case "function":
		return func() {}, nil
	case "struct":
		return map[string]any{"s": struct{ X int }{1}}, nil
	case "pointer":
		return new(int), nil
	case "loop":
		loop := map[string]any{}
		loop["a"] = []any{1, loop}
		return loop, nil
	case "slice loop":
		loop := make([]any, 1)
		loop[0] = loop
		return loop, nil
	case "struct loop":
		box := &Box{}
		box.Value = box
		return box, nil
	case "broken":
		return []any{1, map[string]any{"k": "a\xffb"}}, nil
	case "surrogate":
		return map[string]any{"\xed\xa0\x80": 1}, nil
	case "equal keys":
		return map[any]any{1: "a", true: "b"}, nil
	case "odd key":
		return map[any]any{1: "a", User{1, "b"}: "b"}, nil
	case "number":
		return []any{json.Number("1e999")}, nil
	case "year":
		return []any{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, nil
	case "deep":
		var deep any
		for i := 0; i < 100000; i++ {
			deep = []any{deep}
		}
		return deep, nil
	case "keys":
		many := map[string]any{}
		for i := 0; i < 10000; i++ {
			many[fmt.Sprint("key ", i)] = map[string]any{fmt.Sprint("key ", i): i, "shared": nil}
		}
		return many, nil
	}
	return nil, fmt.Errorf("what is %q?", what)
}

func (*server) TextOf(_ context.Context, text string) (string, error) {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return "", err
	}
	made, err := json.Marshal(value)
	return string(made), err
}
