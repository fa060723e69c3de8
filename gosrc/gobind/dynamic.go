package gobind

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"
)

// A dynamic value is one whose type only the value knows: an any that holds nil, bool, int64, *big.Int, float64,
// complex128, string, []byte, []any, map[string]any, map[any]any, time.Time, time.Duration, [16]byte, or a pointer to a
// struct of the contract. From Go, types of those kinds are taken, too: every sized number, typed slices and maps.

// Kinds is a set of kinds of dynamic values.
type Kinds uint32

// The kinds.
const (
	KindNil Kinds = 1 << iota
	KindBool
	KindInt
	KindFloat
	KindComplex
	KindString
	KindBytes
	KindList
	KindMap
	KindTime
	KindDuration
	KindUUID
	KindStruct

	KindAny  = KindStruct<<1 - 1
	keyKinds = KindNil | KindBool | KindInt | KindFloat | KindString | KindUUID
)

// Shape says what a dynamic value of the contract may be.
type Shape struct {
	Text    string   // the annotation, for messages
	Kinds   Kinds    // of the value itself
	Item    *Shape   // of the items of a list
	Key     Kinds    // of the keys of a map
	Value   *Shape   // of the values of a map
	Structs []string // the structs it may be; none: any of the contract's
}

// Any is the shape of what may be anything.
var Any = &Shape{Text: "Any", Kinds: KindAny, Key: keyKinds}

func init() { Any.Item, Any.Value = Any, Any }

// allows reports whether a value of that kind fits; name is that of its struct.
func (s *Shape) allows(kind Kinds, name string) bool {
	if s.Kinds&kind == 0 {
		return false
	}
	if kind != KindStruct || len(s.Structs) == 0 {
		return true
	}
	for _, allowed := range s.Structs {
		if allowed == name {
			return true
		}
	}
	return false
}

// DynamicStruct is a struct of a contract that dynamic values may hold a pointer to.
type DynamicStruct struct {
	name  string
	kind  reflect.Type
	read  func(r *Reader, n int) []any  // pointers, to what is read now or later
	write func(w *Writer, values []any) // of values and pointers
}

// StructOf describes the struct T: its name in the contract, and how a block of it, of at least min bytes each, is read and
// written.
func StructOf[T any](name string, min int, read func(*Reader, Column[T]), write func(*Writer, Column[T])) DynamicStruct {
	return DynamicStruct{
		name: name,
		kind: reflect.TypeOf((*T)(nil)).Elem(),
		read: func(r *Reader, n int) []any {
			flat := make([]T, r.count(uint64(n), min))
			values := make([]any, len(flat))
			for i := range flat {
				values[i] = &flat[i]
			}
			if len(flat) > 0 {
				read(r, ColumnOf(flat))
			}
			return values
		},
		write: func(w *Writer, values []any) {
			flat := make([]T, len(values))
			for i, value := range values {
				if pointer, ok := value.(*T); ok {
					flat[i] = *pointer
				} else {
					flat[i] = value.(T)
				}
			}
			write(w, ColumnOf(flat))
		},
	}
}

// Struct adds a struct that dynamic values may hold. Python knows it by its place among them.
func (c *Contract) Struct(s DynamicStruct) { c.structs = append(c.structs, s) }

// structOf returns the place of a type among the structs of the contract, -1 if it is none of them.
func (c *Contract) structOf(t reflect.Type) int {
	for i := range c.structs {
		if c.structs[i].kind == t {
			return i
		}
	}
	return -1
}

// kindOf returns the kind of a value as it was read; name is that of its struct.
func (c *Contract) kindOf(value any) (kind Kinds, name string) {
	switch value.(type) {
	case nil:
		return KindNil, ""
	case bool:
		return KindBool, ""
	case int64, *big.Int:
		return KindInt, ""
	case float64:
		return KindFloat, ""
	case complex128:
		return KindComplex, ""
	case string:
		return KindString, ""
	case []byte:
		return KindBytes, ""
	case []any:
		return KindList, ""
	case map[string]any, map[any]any:
		return KindMap, ""
	case time.Time:
		return KindTime, ""
	case time.Duration:
		return KindDuration, ""
	case [16]byte:
		return KindUUID, ""
	}
	if i := c.structOf(reflect.TypeOf(value).Elem()); i >= 0 {
		return KindStruct, c.structs[i].name
	}
	return 0, ""
}

// check returns the value as the shape has it, and what does not fit, "" if all does. As everywhere in a contract a bool
// is taken for an int, and an int for a float, where only that is expected. It keeps its own stack: values may be deeper
// than Go's.
func (s *Shape) check(c *Contract, value any) (any, string) {
	type visit struct {
		shape *Shape
		value any
	}
	value = s.widened(value)
	todo := []visit{{s, value}}
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		s := next.shape
		if s == Any {
			continue
		}
		if kind, name := c.kindOf(next.value); !s.allows(kind, name) {
			return nil, fmt.Sprintf("expected %s, got %T", s.Text, next.value)
		}
		switch value := next.value.(type) {
		case []any:
			widens := s.Item.widens()
			for i, item := range value {
				if widens {
					item = s.Item.widened(item)
					value[i] = item
				}
				todo = append(todo, visit{s.Item, item})
			}
		case map[string]any:
			if s.Key&KindString == 0 && len(value) > 0 {
				return nil, fmt.Sprintf("expected %s, got a string for a key", s.Text)
			}
			widens := s.Value.widens()
			for key, item := range value {
				if widens {
					item = s.Value.widened(item)
					value[key] = item
				}
				todo = append(todo, visit{s.Value, item})
			}
		case map[any]any:
			for key, item := range value {
				if kind, _ := c.kindOf(key); s.Key&kind == 0 {
					return nil, fmt.Sprintf("expected %s, got %T for a key", s.Text, key)
				}
				if key == key { // NaN is equal to nothing: storing it again would add an entry
					item = s.Value.widened(item)
					value[key] = item
				}
				todo = append(todo, visit{s.Value, item})
			}
		}
	}
	return value, ""
}

// widens reports whether some value is another one when it is widened.
func (s *Shape) widens() bool {
	all := s.Kinds&(KindInt|KindFloat) == 0 || s.Kinds&(KindBool|KindInt) == KindBool|KindInt
	return !all || s.Value != nil && s.Key&(KindInt|KindFloat) != 0
}

// widened returns a bool as an int and an int as a float where the shape has only the wider one, and a map with keys of
// that kind.
func (s *Shape) widened(value any) any {
	if entries, ok := value.(map[any]any); ok && s.Value != nil {
		for key := range entries {
			if wide := widened(s.Key, key); wide != key { // NaN, too: its entry cannot be set later
				return s.widenedMap(entries)
			}
		}
	}
	return widened(s.Kinds, value)
}

// widenedMap returns a map with wider keys; itself if two of them became the same.
func (s *Shape) widenedMap(entries map[any]any) map[any]any {
	made := make(map[any]any, len(entries))
	for key, item := range entries {
		made[widened(s.Key, key)] = widened(s.Value.Kinds, item)
	}
	if len(made) != len(entries) {
		return entries
	}
	return made
}

// widened returns a bool as an int and an int as a float where only the wider one is among the kinds.
func widened(kinds Kinds, value any) any {
	switch number := value.(type) {
	case bool:
		if kinds&KindBool == 0 && kinds&(KindInt|KindFloat) != 0 {
			wide := int64(0)
			if number {
				wide = 1
			}
			return widened(kinds, wide)
		}
	case int64:
		if kinds&(KindInt|KindFloat) == KindFloat {
			return float64(number)
		}
	case *big.Int:
		if kinds&(KindInt|KindFloat) == KindFloat {
			if wide, _ := new(big.Float).SetInt(number).Float64(); !math.IsInf(wide, 0) {
				return wide
			}
		}
	}
	return value
}
