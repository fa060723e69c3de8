package gobind

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand"
	"reflect"
	"testing"
	"time"
)

func roundTrip(t testing.TB, shape *Shape, values ...any) []any {
	t.Helper()
	var w Writer
	contract := new(Contract)
	WriteDynamics(&w, contract, shape, ColumnOf(values))
	if w.err != nil {
		t.Fatal(w.err)
	}
	got := make([]any, len(values))
	r := NewReader(w.joined())
	ReadDynamics(r, contract, shape, ColumnOf(got))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDynamicRoundTrip(t *testing.T) {
	big1, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	values := []any{
		nil, true, false, int64(0), int64(255), int64(256), int64(-1), int64(1 << 40), int64(-1 << 63), 1.5, "", "a\x00b", "é",
		[]byte{}, []byte("abc"), []any{}, []any{nil, []any{int64(1)}}, map[string]any{}, map[string]any{"a": int64(1), "b": []any{"x"}},
		map[any]any{int64(1): "a", "x": nil}, time.Unix(1, 0).UTC(), time.Second, [16]byte{1}, complex(1, 2), big1, new(big.Int).Lsh(big.NewInt(1), 63),
		new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 4000)),
	}
	got := roundTrip(t, Any, values...)
	for i := range values {
		if !reflect.DeepEqual(got[i], values[i]) {
			t.Errorf("%d: got %#v, expected %#v", i, got[i], values[i])
		}
	}
}

func BenchmarkDynamic(b *testing.B) {
	items := make([]any, 3750)
	for i := range items {
		limits := map[string]any{"cpu": int64(i % 64), "memory": int64(i << 8), "note": nil}
		items[i] = map[string]any{"id": int64(i), "name": "name of the item", "ratio": 0.5, "active": i%3 == 0, "tags": []any{"a", "b"}, "limits": limits}
	}
	var value any = map[string]any{"items": items}
	text, err := json.Marshal(value)
	if err != nil {
		b.Fatal(err)
	}
	contract := new(Contract)
	values := []any{value}
	var w Writer
	WriteDynamics(&w, contract, Any, ColumnOf(values))
	frame := w.joined()
	b.Run("write", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			var w Writer
			WriteDynamics(&w, contract, Any, ColumnOf(values))
		}
	})
	b.Run("read", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			got := make([]any, 1)
			ReadDynamics(NewReader(frame), contract, Any, ColumnOf(got))
		}
	})
	b.Run("json write", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			json.Marshal(value)
		}
	})
	b.Run("json read", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			var value any
			json.Unmarshal(text, &value)
		}
	})
}

// TestDynamicDamaged reads streams with bytes changed: each is refused or read, none ends the process.
func TestDynamicDamaged(t *testing.T) {
	value := []any{
		nil, true, int64(300), new(big.Int).Lsh(big.NewInt(1), 80), 1.5, "text", []byte("bytes"), []any{[]any{}, map[string]any{"key": int64(1)}},
		map[any]any{int64(1): "a", nil: "b"}, time.Unix(0, 0).UTC(), time.Second, [16]byte{2},
	}
	var w Writer
	contract := new(Contract)
	WriteDynamics(&w, contract, Any, ColumnOf([]any{value}))
	frame := w.joined()
	random := rand.New(rand.NewSource(1))
	refused := 0
	for i := 0; i < 200000; i++ {
		damaged := append([]byte(nil), frame...)
		for n := random.Intn(4); n >= 0; n-- {
			damaged[16+random.Intn(len(damaged)-16)] = byte(random.Intn(256))
		}
		if random.Intn(4) == 0 {
			damaged = damaged[:16+random.Intn(len(damaged)-16)]
		}
		got := make([]any, 1)
		r := NewReader(damaged)
		ReadDynamics(r, contract, Any, ColumnOf(got))
		if r.Close() != nil {
			refused++
		}
	}
	if refused < 100000 {
		t.Errorf("only %d of 200000 were refused", refused)
	}
}

func TestDynamicMapsAreNeverNil(t *testing.T) {
	got := roundTrip(t, Any, map[string]any{}, []any{map[string]any{}}, map[string]any{"a": map[string]any{}})
	got[0].(map[string]any)["x"] = 1
	got[1].([]any)[0].(map[string]any)["x"] = 1
	got[2].(map[string]any)["a"].(map[string]any)["x"] = 1
}

// readOpcodes reads one dynamic value written as opcodes.
func readOpcodes(opcodes string) (any, error) {
	opcodes = "\x80\x05](" + opcodes + "e."
	head := make([]byte, 16)
	head[8] = byte(len(opcodes))
	got := make([]any, 1)
	r := NewReader(append(head, opcodes...))
	ReadDynamics(r, new(Contract), Any, ColumnOf(got))
	return got[0], r.Close()
}

func TestDynamicMemo(t *testing.T) {
	got, err := readOpcodes("](C\x01a\x94h\x00\x8c\x01b\x94h\x01e") // PyPy's pickle memoizes bytes
	if expected := []any{[]byte("a"), []byte("a"), "b", "b"}; err != nil || !reflect.DeepEqual(got, expected) {
		t.Fatalf("got %#v, %v", got, err)
	}
	got.([]any)[0].([]byte)[0] = 'x'
	if second := got.([]any)[1].([]byte); second[0] != 'a' {
		t.Error("two values share memory")
	}
	for _, opcodes := range []string{"]\x94h\x00", "h\x00", "\x8c\x08builtins\x8c\x04list\x93", "\x8c\x02os\x8c\x04list\x93K\x01\x85R"} {
		if got, err := readOpcodes(opcodes); err == nil {
			t.Errorf("%q: got %#v", opcodes, got)
		}
	}
	if got, err := readOpcodes("\x8c\x08builtins\x8c\x04list\x93K\x01\x85R"); got != int64(1) || err != nil {
		t.Errorf("got %#v, %v", got, err)
	}
}

func TestDynamicNaNKeys(t *testing.T) {
	floats := &Shape{Text: "float", Kinds: KindFloat}
	shape := &Shape{Text: "dict[float, float]", Kinds: KindMap, Key: KindFloat, Value: floats}
	nan := math.NaN()
	got := roundTrip(t, shape, map[any]any{nan: 1.5, 2.5: 3.5})[0].(map[any]any)
	if len(got) != 2 || got[2.5] != 3.5 {
		t.Errorf("got %v", got)
	}
	wide, misfit := shape.check(new(Contract), map[any]any{nan: int64(1)})
	if misfit != "" || len(wide.(map[any]any)) != 1 {
		t.Errorf("got %v, %s", wide, misfit)
	}
}

func TestDynamicKeysAreWidened(t *testing.T) {
	floats := &Shape{Text: "float", Kinds: KindFloat}
	inner := &Shape{Text: "dict[float, float]", Kinds: KindMap, Key: KindFloat, Value: floats}
	shape := &Shape{Text: "list[dict[float, float]]", Kinds: KindList, Item: inner}
	value := []any{map[any]any{int64(1): int64(2), 2.5: true}}
	wide, misfit := shape.check(new(Contract), value)
	if expected := []any{map[any]any{1.0: 2.0, 2.5: 1.0}}; misfit != "" || !reflect.DeepEqual(wide, expected) {
		t.Errorf("got %v, %s", wide, misfit)
	}
	same := []any{map[any]any{int64(1)<<53 + 1: 1.0, float64(1 << 53): 2.0}}
	if wide, misfit := shape.check(new(Contract), same); misfit == "" {
		t.Errorf("got %v", wide)
	}
}

func TestDynamicKeysThatAreEqualInPython(t *testing.T) {
	type id [16]byte
	for _, value := range []map[any]any{{1: "a", true: "b"}, {1.0: "a", uint8(1): "b"}, {id{1}: "a", [16]byte{1}: "b"}, {uint64(1 << 63): 1, float64(1 << 63): 2}} {
		var w Writer
		WriteDynamics(&w, new(Contract), Any, ColumnOf([]any{value}))
		if w.err == nil {
			t.Errorf("%v was written", value)
		}
	}
}

// TestDynamicKindsOfNumbers writes numbers of many types where only one kind fits, as values and as keys.
func TestDynamicKindsOfNumbers(t *testing.T) {
	type flag bool
	type celsius float32
	kinds := map[Kinds][]any{
		KindBool:  {true, flag(true)},
		KindInt:   {int8(-1), int16(-1), int32(-1), int64(-1), -1, uint8(1), uint16(1), uint32(1), uint64(1), uint(1), time.May},
		KindFloat: {float32(1), 1.5, celsius(1)},
	}
	for kind, values := range kinds {
		for _, value := range values {
			for allowed := range kinds {
				shape := &Shape{Text: "T", Kinds: allowed | KindMap, Key: allowed, Value: Any}
				for _, v := range []any{value, map[any]any{value: nil}} {
					var w Writer
					WriteDynamics(&w, new(Contract), shape, ColumnOf([]any{v}))
					if fits := w.err == nil; fits != (kind == allowed) {
						t.Errorf("%T %v where kind %d is allowed: %v", v, v, allowed, w.err)
					}
				}
			}
		}
	}
}
