package gobind

import (
	"math/big"
	"reflect"
	"sync"
	"testing"
	"time"
)

type outline interface{ isOutline() }

type square struct{ Sides []int }

func (square) isOutline() {}

type speaker interface{ Speak() []int }

type voice struct{ said []int }

func (v *voice) Speak() []int { return v.said }

type garden struct {
	Name   string
	Rows   [][]int
	ByName map[string][]int
	Count  *int
	Big    *big.Int
	At     time.Time
	Shape  outline
	Value  outline
	Any    any
	More   map[any]any
	Inner  struct{ Bytes []byte }
	Pairs  [2][]byte
	Below  []garden
	Object speaker
	Stream func(func(int, error) bool)
	None   []int
	Empty  []int
	NoMap  map[string]int
	Nobody *garden
}

func newGarden(n int) garden {
	return garden{
		"g", [][]int{{n}, {n, n}}, map[string][]int{"a": {n}}, &n, big.NewInt(int64(n)), time.Unix(0, 0), &square{[]int{n}}, square{[]int{n}},
		[]any{[]byte{byte(n)}, map[string]any{"k": []int{n}}, big.NewInt(int64(n)), &square{[]int{n}}, nil, 1.5},
		map[any]any{1: []any{n}}, struct{ Bytes []byte }{[]byte{byte(n)}}, [2][]byte{{byte(n)}, nil}, []garden{{Rows: [][]int{{n}}}},
		nil, nil, nil, []int{}, nil, &garden{Rows: [][]int{{n}}},
	}
}

// fill makes a garden that was made with 1, and is to be one made with 2, of the same memory.
func (g *garden) fill() {
	g.Rows[0][0], g.Rows[1][0], g.Rows[1][1], g.ByName["a"][0], *g.Count = 2, 2, 2, 2, 2
	g.Big.SetInt64(2)
	g.Shape.(*square).Sides[0], g.Value.(square).Sides[0] = 2, 2
	list := g.Any.([]any)
	list[0].([]byte)[0], list[1].(map[string]any)["k"].([]int)[0], list[3].(*square).Sides[0] = 2, 2, 2
	list[2].(*big.Int).SetInt64(2)
	g.More[1].([]any)[0] = 2
	g.Inner.Bytes[0], g.Pairs[0][0], g.Below[0].Rows[0][0], g.Nobody.Rows[0][0] = 2, 2, 2, 2
}

func TestAnItemThatReusesMemoryIsCopied(t *testing.T) {
	contract := &Contract{structs: []DynamicStruct{{name: "square", kind: reflect.TypeOf(square{})}}}
	p := planOf(reflect.TypeOf(garden{}))
	one := newGarden(1)
	item := one
	clone(&item, p, contract)
	one.fill()
	if !reflect.DeepEqual(one, newGarden(2)) {
		t.Fatal("fill is wrong")
	}
	if !reflect.DeepEqual(item, newGarden(1)) {
		t.Errorf("%+v", item)
	}
}

func TestWhatHasNothingToCopyIsLeft(t *testing.T) {
	for _, value := range []any{1, "a", 1.5, time.Now(), [16]byte{}, struct{ A, B string }{}, func() {}, (*speaker)(nil)} {
		if p := planOf(reflect.TypeOf(value)); p != nil && p.kind != reflect.Pointer {
			t.Errorf("%T", value)
		}
	}
	if planOf(reflect.TypeOf((*speaker)(nil)).Elem()) != nil {
		t.Error("objects")
	}
}

func TestObjectsAndOddPointersAreNotCopied(t *testing.T) {
	v := &voice{[]int{1}}
	item := struct {
		Object speaker
		Any    any
	}{v, v}
	clone(&item, planOf(reflect.TypeOf(item)), nil)
	if item.Object != speaker(v) || item.Any != any(v) {
		t.Error(item)
	}
}

func TestAnItemThatContainsItselfIsLeft(t *testing.T) {
	list := make([]any, 3)
	list[0], list[1], list[2] = list, list, map[string]any{"again": list}
	item := any(list)
	clone(&item, planOf(reflect.TypeOf((*any)(nil)).Elem()), nil)
	if &item.([]any)[0] != &list[0] {
		t.Error("copied")
	}
}

func TestADeepItemIsCopied(t *testing.T) {
	deep := []any{1}
	for i := 0; i < 1000000; i++ {
		deep = []any{deep}
	}
	item := any(deep)
	clone(&item, planOf(reflect.TypeOf((*any)(nil)).Elem()), nil)
	if &item.([]any)[0] == &deep[0] {
		t.Error("not copied")
	}
}

func TestYieldCopies(t *testing.T) {
	buffer := make([]byte, 1)
	p := &producer[[]byte]{limit: 10, plan: planOf(reflect.TypeOf(buffer)), method: &method{}}
	p.changed = sync.NewCond(p)
	for i := byte(0); i < 5; i++ {
		buffer[0] = i
		p.yield(buffer, nil)
	}
	p.yield(nil, nil)
	if !reflect.DeepEqual(p.items, [][]byte{{0}, {1}, {2}, {3}, {4}, nil}) {
		t.Error(p.items)
	}
}

func BenchmarkClone(b *testing.B) {
	type place struct {
		Name      string
		Countries []string
		At        [2]float64
	}
	item, p := place{"a", []string{"x", "y"}, [2]float64{}}, planOf(reflect.TypeOf(place{}))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		made := item
		clone(&made, p, nil)
	}
}
