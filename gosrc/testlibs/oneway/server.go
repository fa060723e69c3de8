// One way only: values written down as text by hand, and made out of such text. No code here knows the codec.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"time"
)

type server struct{}

func init() { RegisterOneWay(server{}) }

// Text out of values: what show_... returns. A list is [a,b], a map or set {a,b} in the order of its text, no value is
// -, strings are the code points of their characters in hexadecimal, floats are their bits.

const moments = "2006-01-02T15:04:05.000000-07:00"

func showString(s string) string {
	var points []string
	for _, r := range s {
		points = append(points, fmt.Sprintf("%x", r))
	}
	return fmt.Sprintf("%d'%s'", len(s), strings.Join(points, " "))
}

func showBytes(b []byte) string { return "x" + hex.EncodeToString(b) }

func showFloat(f float64) string { return fmt.Sprintf("%016x", math.Float64bits(f)) }

func showFloat32(f float32) string { return fmt.Sprintf("%08x", math.Float32bits(f)) }

func showMoment(t time.Time) string { return t.Format(moments) }

func showSpan(d time.Duration) string { return strconv.FormatInt(int64(d), 10) + "ns" }

func showWave(c complex128) string { return showFloat(real(c)) + "+" + showFloat(imag(c)) }

func showUnique(u [16]byte) string { return hex.EncodeToString(u[:]) }

func showColor(c Color) string {
	switch int64(c) {
	case 1:
		return "RED"
	case -2:
		return "DARK_GREEN"
	case math.MinInt64:
		return "FAR"
	}
	return fmt.Sprintf("Color(%d)", int64(c))
}

func showBool(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func showMaybe[T any](p *T, show func(T) string) string {
	if p == nil {
		return "-"
	}
	return "+" + show(*p)
}

// showNilable shows an optional slice or map: nil is None, an empty one is not.
func showNilable(isNil bool, text string) string {
	if isNil {
		return "-"
	}
	return "+" + text
}

func showList[T any](list []T, show func(T) string) string {
	parts := []string{}
	for _, item := range list {
		parts = append(parts, show(item))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func showMap[K comparable, V any](m map[K]V, show func(K, V) string) string {
	parts := []string{}
	for k, v := range m {
		parts = append(parts, show(k, v))
	}
	sort.Strings(parts)
	return "{" + strings.Join(parts, ",") + "}"
}

func showLeaves(v Leaves) string {
	return strings.Join([]string{
		showBool(v.Truth),
		strconv.Itoa(v.Whole),
		showFloat(v.Real),
		strconv.FormatInt(int64(v.A), 10),
		strconv.FormatInt(int64(v.B), 10),
		strconv.FormatInt(int64(v.C), 10),
		strconv.FormatInt(v.D, 10),
		strconv.FormatUint(uint64(v.E), 10),
		strconv.FormatUint(uint64(v.F), 10),
		strconv.FormatUint(uint64(v.G), 10),
		strconv.FormatUint(v.H, 10),
		showFloat32(v.I),
		showFloat(v.J),
		showString(v.Text),
		showBytes(v.Data),
		showMoment(v.Moment),
		showSpan(v.Span),
		showUnique(v.Unique),
		showColor(v.Color),
		strconv.Itoa(int(v.Access)),
		showString(string(v.Mood)),
	}, ";")
}

func showShape(s CircleOrSquare) string {
	switch s := s.(type) {
	case *Circle:
		return "circle(" + showFloat(s.Radius) + ")"
	case *Square:
		return "square(" + showFloat(s.Side) + "," + showList(s.Names, showString) + ")"
	}
	return fmt.Sprintf("%T", s)
}

func showTree(t Tree) string { return strconv.Itoa(int(t.Value)) + showList(t.Children, showTree) }

func showNested(v Nested) string {
	int32s := func(i int32) string { return strconv.FormatInt(int64(i), 10) }
	return strings.Join([]string{
		showList(v.Words, func(w []string) string { return showList(w, showString) }),
		showList(v.Blobs, func(b [][]byte) string { return showList(b, showBytes) }),
		showList(v.Bools, showBool),
		showMap(v.Table, func(k string, list []uint16) string {
			return showString(k) + ":" + showList(list, func(u uint16) string { return strconv.Itoa(int(u)) })
		}),
		showMap(v.ByNumber, func(k int8, s string) string { return strconv.Itoa(int(k)) + ":" + showString(s) }),
		showMap(v.ByColor, func(k Color, b *bool) string { return showColor(k) + ":" + showMaybe(b, showBool) }),
		showMap(v.Names, func(k string, _ struct{}) string { return showString(k) }),
		showMaybe(v.Maybe, showString),
		showList(v.Maybes, func(p *int32) string { return showMaybe(p, int32s) }),
		fmt.Sprintf("(%d,(%s,%s))", v.Pair.V0, showString(v.Pair.V1.V0), showBool(v.Pair.V1.V1)),
		showList(v.Pairs, func(p TupleInt64Float32) string { return fmt.Sprintf("(%d,%s)", p.V0, showFloat32(p.V1)) }),
		showShape(v.Shape),
		showList(v.Shapes, showShape),
		showNilable(v.MaybeShape == nil, showShape(v.MaybeShape)),
		showNilable(v.MaybeWords == nil, showList(v.MaybeWords, showString)),
		showList(v.MaybeBlobs, func(b []byte) string { return showNilable(b == nil, showBytes(b)) }),
		showNilable(v.MaybeTable == nil, showMap(v.MaybeTable, func(k string, set map[int8]struct{}) string {
			items := showMap(set, func(i int8, _ struct{}) string { return strconv.Itoa(int(i)) })
			return showString(k) + ":" + showNilable(set == nil, items)
		})),
		showTree(v.Tree),
		showList(v.Forest, showTree),
		showList(v.Moments, showMoment),
		showList(v.Spans, showSpan),
		showList(v.Uniques, showUnique),
		showList(v.Moods, func(m Mood) string { return showString(string(m)) }),
	}, ";")
}

func (server) ShowLeaves(_ context.Context, value *Leaves) (string, error) {
	return showLeaves(*value), nil
}

func (server) ShowByValue(_ context.Context, value Leaves) (string, error) {
	return showLeaves(value), nil
}

func (server) ShowRows(_ context.Context, values []Leaves) (string, error) {
	return showList(values, showLeaves), nil
}

func (server) ShowParameters(
	_ context.Context, truth bool, whole int, real_ float64, a int8, b int16, c int32, d int64,
	e uint8, f uint16, g uint32, h uint64, i float32, j float64, text string, data []byte,
	moment time.Time, span time.Duration, unique [16]byte, color Color, access Access, mood Mood,
) (string, error) {
	return showLeaves(Leaves{
		truth, whole, real_, a, b, c, d, e, f, g, h, i, j, text, data, moment, span, unique, color, access, mood,
	}), nil
}

func (server) ShowNested(_ context.Context, value *Nested) (string, error) {
	return showNested(*value), nil
}

func (server) ShowNesteds(_ context.Context, values []Nested) (string, error) {
	return showList(values, showNested), nil
}

func (server) ShowLater(_ context.Context, value *Leaves, values []Nested) (string, error) {
	return showLeaves(*value) + "|" + showList(values, showNested), nil
}

// Values out of text: make_... takes the same text. The first mistake is remembered.

type maker struct {
	words []string
	err   error
}

func (m *maker) word() string {
	if len(m.words) == 0 {
		m.note(fmt.Errorf("there are too few words"))
		return ""
	}
	word := m.words[0]
	m.words = m.words[1:]
	return word
}

func (m *maker) note(err error) {
	if err != nil && m.err == nil {
		m.err = err
	}
}

func (m *maker) bool() bool { return m.word() == "yes" }

func (m *maker) int(bits int) int64 {
	n, err := strconv.ParseInt(m.word(), 10, bits)
	m.note(err)
	return n
}

func (m *maker) uint(bits int) uint64 {
	n, err := strconv.ParseUint(m.word(), 10, bits)
	m.note(err)
	return n
}

func (m *maker) float() float64 {
	n, err := strconv.ParseUint(m.word(), 16, 64)
	m.note(err)
	return math.Float64frombits(n)
}

func (m *maker) float32() float32 {
	n, err := strconv.ParseUint(m.word(), 16, 32)
	m.note(err)
	return math.Float32frombits(uint32(n))
}

func (m *maker) string() string {
	parts := strings.Split(m.word(), "'")
	var made strings.Builder
	for _, point := range strings.Fields(parts[1]) {
		r, err := strconv.ParseInt(point, 16, 32)
		m.note(err)
		made.WriteRune(rune(r))
	}
	return made.String()
}

func (m *maker) bytes() []byte {
	b, err := hex.DecodeString(m.word()[1:])
	m.note(err)
	return b
}

func (m *maker) moment() time.Time {
	t, err := time.Parse(moments, m.word())
	m.note(err)
	return t
}

func (m *maker) span() time.Duration {
	n, err := strconv.ParseInt(strings.TrimSuffix(m.word(), "ns"), 10, 64)
	m.note(err)
	return time.Duration(n)
}

func (m *maker) unique() (u [16]byte) {
	b, err := hex.DecodeString(m.word())
	m.note(err)
	copy(u[:], b)
	return u
}

func (m *maker) color() Color {
	word := m.word()
	colors := map[string]int64{"RED": 1, "DARK_GREEN": -2, "FAR": math.MinInt64}
	if _, known := colors[word]; !known {
		m.note(fmt.Errorf("%s is no color", word))
	}
	return Color(colors[word])
}

func (m *maker) leaves() Leaves {
	return Leaves{
		Truth:  m.bool(),
		Whole:  int(m.int(64)),
		Real:   m.float(),
		A:      int8(m.int(8)),
		B:      int16(m.int(16)),
		C:      int32(m.int(32)),
		D:      m.int(64),
		E:      uint8(m.uint(8)),
		F:      uint16(m.uint(16)),
		G:      uint32(m.uint(32)),
		H:      m.uint(64),
		I:      m.float32(),
		J:      m.float(),
		Text:   m.string(),
		Data:   m.bytes(),
		Moment: m.moment(),
		Span:   m.span(),
		Unique: m.unique(),
		Color:  m.color(),
		Access: Access(m.int(64)),
		Mood:   Mood(m.string()),
	}
}

func made[T any](text string, parse func(*maker) T) (T, error) {
	m := &maker{words: strings.Split(text, ";")}
	value := parse(m)
	if len(m.words) > 0 {
		m.note(fmt.Errorf("%d words are left", len(m.words)))
	}
	return value, m.err
}

func (server) MakeLeaves(_ context.Context, text string) (Leaves, error) {
	return made(text, (*maker).leaves)
}

func (server) MakeRows(_ context.Context, text string) ([]Leaves, error) {
	var rows []Leaves
	for _, line := range strings.Split(text, "\n") {
		row, err := made(line, (*maker).leaves)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (s server) MakeLater(ctx context.Context, text string) ([]Leaves, error) {
	return s.MakeRows(ctx, text)
}

func pointer[T any](value T) *T { return &value }

func (server) MakeNested(_ context.Context, full bool) (Nested, error) {
	if !full { // what Go's zero value is
		return Nested{Shape: Circle{}}, nil
	}
	utc := time.Unix(-1, 5000).UTC()
	east := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.FixedZone("", 86340))
	west := time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("", -86340))
	return Nested{
		Words:      [][]string{{"a", ""}, nil, {"\x00", "äß漢", "😀"}, {}},
		Blobs:      [][][]byte{{{0, 255}, nil}, {}, {[]byte("abc")}},
		Bools:      []bool{true, false, false, true},
		Table:      map[string][]uint16{"": nil, "k\x00": {1, 65535}, "é": {0}},
		ByNumber:   map[int8]string{-128: "low", 127: "high", 0: ""},
		ByColor:    map[Color]*bool{ColorRed: pointer(true), ColorDarkGreen: pointer(false), ColorFar: nil},
		Names:      map[string]struct{}{"one": {}, "": {}, "𝄞": {}},
		Maybe:      pointer(""),
		Maybes:     []*int32{nil, pointer(int32(math.MinInt32)), pointer(int32(math.MaxInt32)), nil},
		Pair:       TupleUint8TupleStringBool{255, TupleStringBool{"in", true}},
		Pairs:      []TupleInt64Float32{{math.MinInt64, 0.5}, {math.MaxInt64, float32(math.Inf(-1))}},
		Shape:      &Square{1.5, []string{"s", ""}},
		Shapes:     []CircleOrSquare{Circle{1}, &Square{2, nil}, &Circle{3}, Square{math.Inf(1), []string{"n"}}},
		MaybeShape: &Circle{-1},
		MaybeWords: []string{},
		MaybeBlobs: [][]byte{nil, {}, {0}},
		MaybeTable: map[string]map[int8]struct{}{"": nil, "none": {}, "one": {-1: {}}},
		Tree:       Tree{1, []Tree{{2, nil}, {3, []Tree{{4, nil}}}}},
		Forest:     []Tree{{-32768, nil}, {5, []Tree{{6, nil}}}},
		Moments:    []time.Time{utc, east, west, {}},
		Spans:      []time.Duration{1000, -1000, time.Hour, 0, math.MaxInt64, math.MinInt64, 999, -1},
		Uniques:    [][16]byte{{}, {15: 1}, {0: 1}},
		Moods:      []Mood{MoodOdd, MoodNone, MoodGood},
	}, nil
}

func (s server) MakeNesteds(ctx context.Context) ([]Nested, error) {
	full, _ := s.MakeNested(ctx, true)
	bare, _ := s.MakeNested(ctx, false)
	return []Nested{full, bare, full}, nil
}

func (server) MakeBool(_ context.Context, text string) (bool, error) {
	return made(text, (*maker).bool)
}

func (server) MakeInt(_ context.Context, text string) (int, error) {
	return made(text, func(m *maker) int { return int(m.int(64)) })
}

func (server) MakeFloat(_ context.Context, bits string) (float64, error) {
	return made(bits, (*maker).float)
}

func (server) MakeF32(_ context.Context, bits string) (float32, error) {
	return made(bits, (*maker).float32)
}

func (server) MakeI8(_ context.Context, text string) (int8, error) {
	return made(text, func(m *maker) int8 { return int8(m.int(8)) })
}

func (server) MakeI16(_ context.Context, text string) (int16, error) {
	return made(text, func(m *maker) int16 { return int16(m.int(16)) })
}

func (server) MakeI32(_ context.Context, text string) (int32, error) {
	return made(text, func(m *maker) int32 { return int32(m.int(32)) })
}

func (server) MakeU8(_ context.Context, text string) (uint8, error) {
	return made(text, func(m *maker) uint8 { return uint8(m.uint(8)) })
}

func (server) MakeU16(_ context.Context, text string) (uint16, error) {
	return made(text, func(m *maker) uint16 { return uint16(m.uint(16)) })
}

func (server) MakeU32(_ context.Context, text string) (uint32, error) {
	return made(text, func(m *maker) uint32 { return uint32(m.uint(32)) })
}

func (server) MakeU64(_ context.Context, text string) (uint64, error) {
	return made(text, func(m *maker) uint64 { return m.uint(64) })
}

func (server) MakeColor(_ context.Context, text string) (Color, error) {
	return made(text, (*maker).color)
}

func (server) MakeMood(_ context.Context, text string) (Mood, error) {
	return made(text, func(m *maker) Mood { return Mood(m.string()) })
}

func (server) MakeMoment(_ context.Context, text string) (time.Time, error) {
	return made(text, (*maker).moment)
}

func (server) MakeSpan(_ context.Context, text string) (time.Duration, error) {
	return made(text, (*maker).span)
}

func (server) MakeUnique(_ context.Context, text string) ([16]byte, error) {
	return made(text, (*maker).unique)
}

func (server) MakeWave(_ context.Context, real, imag string) (complex128, error) {
	first, err := made(real, (*maker).float)
	if err != nil {
		return 0, err
	}
	second, err := made(imag, (*maker).float)
	return complex(first, second), err
}

func (server) ShowWaves(_ context.Context, wave complex128, waves []complex128) (string, error) {
	return showWave(wave) + ";" + showList(waves, showWave), nil
}

// showOthers writes the fields down as Go's own packages print them, with | between them.
func showOthers(v Others) string {
	level := map[Minus2Or1]string{Minus2Or1Minus2: "-2", Minus2Or1_1: "1"}[v.Level]
	order := map[Order]string{OrderAsc: "up", OrderDesc: "down"}[v.Order]
	return strings.Join([]string{
		showMoment(v.Day), v.Clock.String(), showMoment(v.Wall), string(v.Price), v.Count.Text(16), showString(v.Place),
		order, level,
	}, "|")
}

func (server) ShowOthers(_ context.Context, value *Others, values []Others) (string, error) {
	return showOthers(*value) + ";" + showList(values, showOthers), nil
}

// MakeOthers makes count times the value of "moment|duration|number|integer|path".
func (server) MakeOthers(_ context.Context, value string, count uint8) ([]Others, error) {
	words := strings.Split(value, "|")
	made := make([]Others, count)
	for i := range made {
		when, err := time.Parse(moments, words[0])
		if err != nil {
			return nil, err
		}
		clock, err := time.ParseDuration(words[1])
		if err != nil {
			return nil, err
		}
		number, _ := new(big.Int).SetString(words[3], 16)
		midnight := when.Truncate(24 * time.Hour)
		made[i] = Others{midnight, clock, when, json.Number(words[2]), number, words[4], OrderDesc, Minus2Or1Minus2}
	}
	return made, nil
}

func (server) MakeDay(_ context.Context, moment string) (time.Time, error) {
	return time.Parse(time.RFC3339Nano, moment)
}

func (server) MakeClock(_ context.Context, text string) (time.Duration, error) {
	return time.ParseDuration(text)
}

func (server) MakeWall(_ context.Context, moment string) (time.Time, error) {
	return time.Parse(time.RFC3339Nano, moment)
}

func (server) MakePrice(_ context.Context, text string) (json.Number, error) {
	return json.Number(text), nil
}

func (server) MakePrices(_ context.Context, texts []string) ([]json.Number, error) {
	made := make([]json.Number, len(texts))
	for i, text := range texts {
		made[i] = json.Number(text)
	}
	return made, nil
}

// MakeCount returns nil for text that is no number.
func (server) MakeCount(_ context.Context, text string) (*big.Int, error) {
	number, _ := new(big.Int).SetString(text, 16)
	return number, nil
}

func (server) MakePlace(_ context.Context, text string) (string, error) { return text, nil }

func (server) MakeOrder(_ context.Context, text string) (Order, error) { return Order(text), nil }

func (server) MakeOrders(_ context.Context, texts []string) ([]Order, error) {
	made := make([]Order, len(texts))
	for i, text := range texts {
		made[i] = Order(text)
	}
	return made, nil
}

// Ask shows what answer makes of a date and an integer, nil for text that is none.
func (server) Ask(
	ctx context.Context, answer func(context.Context, time.Time, *big.Int) (TupleDecimalOrder, error), day time.Time, count string,
) (string, error) {
	number, _ := new(big.Int).SetString(count, 10)
	made, err := answer(ctx, day, number)
	return string(made.V0) + " " + string(made.V1), err
}

func (server) Fail(_ context.Context, day time.Time, price json.Number, count string) error {
	number, _ := new(big.Int).SetString(count, 10)
	return UnsoldError{day, price, number, OrderDesc}
}
