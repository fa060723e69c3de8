package gobind

import (
	"bytes"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestNumbersInJSONsNotation(t *testing.T) {
	for _, text := range []string{"0", "-0", "10", "1.50", "0.0", "-1.5e3", "1E+3", "2e-30", "0e0", strings.Repeat("9", 1000)} {
		if !isNumber(text) {
			t.Errorf("%q is a number", text)
		}
	}
	for _, text := range []string{
		"", "-", "+1", "01", "-01", ".5", "1.", "1.e3", "1e", "1e+", "1e1.5", "NaN", "Infinity", " 1", "1 ", "1_0", "0x1", "1\x00", "\u0661",
	} {
		if isNumber(text) {
			t.Errorf("%q is no number", text)
		}
	}
}

// Two's complement, checked by an equation: the unsigned value is that of the number modulo 256 to the number of bytes.
func TestBigIntegers(t *testing.T) {
	for bits := uint(0); bits < 70; bits++ {
		for _, step := range []int64{-2, -1, 0, 1, 2} {
			for _, sign := range []int64{-1, 1} {
				n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(step))
				checkComplement(t, n.Mul(n, big.NewInt(sign)))
			}
		}
	}
}

func checkComplement(t *testing.T, n *big.Int) {
	var w Writer
	b := w.complement(n)
	whole := new(big.Int).Lsh(big.NewInt(1), uint(8*len(b)))
	if new(big.Int).SetBytes(b).Cmp(new(big.Int).Mod(n, whole)) != 0 || (b[0] >= 0x80) != (n.Sign() < 0) {
		t.Errorf("%v is %x", n, b)
	}
	if len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		t.Errorf("%v has a byte too many: %x", n, b)
	}
	before := append([]byte(nil), b...)
	if got := bigOf(b); got.Cmp(n) != 0 || !bytes.Equal(b, before) {
		t.Errorf("%x is %v, expected %v", b, got, n)
	}
}

func TestIntegersMayHaveMoreBytesThanTheyNeed(t *testing.T) {
	for _, row := range []struct {
		bytes []byte
		want  int64
	}{{nil, 0}, {[]byte{0, 0}, 0}, {[]byte{0, 0, 5}, 5}, {[]byte{0xff, 0xff, 0xfb}, -5}} {
		if got := bigOf(row.bytes); got.Cmp(big.NewInt(row.want)) != 0 {
			t.Errorf("%x is %v, expected %d", row.bytes, got, row.want)
		}
	}
}

func TestFramesWithDatesAndNumbersThatAreNone(t *testing.T) {
	for want, read := range map[string]func(*Reader){
		"date -719163 is out of range":                                  func(r *Reader) { r.Date(-719163) },
		"date 2932897 is out of range":                                  func(r *Reader) { r.Date(2932897) },
		"date 2147483647 is out of range":                               func(r *Reader) { r.Date(math.MaxInt32) },
		"a time of day of -1 microseconds is out of range":              func(r *Reader) { r.Clock(-1) },
		"a time of day of 86400000000 microseconds is out of range":     func(r *Reader) { r.Clock(day * 1e6) },
		"time 253402300800000000 with UTC offset 0 is out of range":     func(r *Reader) { r.Naive((lastSecond + 1) * 1e6) },
		"\"x\" is not a number in JSON's notation":                      func(r *Reader) { r.resetOne([]byte("x")); r.Decimal(Ref{Len: 1}) },
		"truncated: expected 5 values of at least 1 bytes, got 0 bytes": func(r *Reader) { r.BigInt(Ref{Len: 5}) },
	} {
		r := NewReader()
		read(r)
		if r.err == nil || r.err.Error() != want {
			t.Errorf("got %v, expected %s", r.err, want)
		}
	}
}

func TestTheFirstAndTheLastDate(t *testing.T) {
	r := NewReader()
	for days, want := range map[int32]string{-719162: "0001-01-01", 2932896: "9999-12-31", -1: "1969-12-31"} {
		date := r.Date(days)
		var w Writer
		if got := date.Format("2006-01-02"); r.err != nil || got != want || w.Date(date) != days || w.err != nil {
			t.Error(days, got, want, r.err, w.err)
		}
	}
	var w Writer
	if w.Date(time.Date(2024, 2, 29, 0, 0, 0, 0, time.FixedZone("", -5*3600))) != 19782 || w.err != nil {
		t.Error("midnight counts where the time is:", w.err)
	}
}
