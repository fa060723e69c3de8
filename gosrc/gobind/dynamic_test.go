package gobind

import (
	"encoding/json"
	"math/big"
	"os"
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
	text, err := os.ReadFile("/tmp/dyn/doc.json")
	if err != nil {
		b.Skip(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
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
