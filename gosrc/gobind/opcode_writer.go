package gobind

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// WriteDynamic writes a dynamic value of the record.
func WriteDynamic(w *Writer, contract *Contract, shape *Shape, value any) Ref {
	s := newOpcodeWriter(w, contract, shape)
	s.values(One(&value))
	ref := s.ref()
	s.finish()
	return ref
}

// WriteDynamics writes a block of dynamic values.
func WriteDynamics(w *Writer, contract *Contract, shape *Shape, c Column[any]) {
	s := newOpcodeWriter(w, contract, shape)
	s.values(c)
	ref := s.ref()
	w.uint64(ref.Pointer)
	w.uint64(ref.Len)
	s.finish()
}

// opcodeWriter writes dynamic values as a stream of opcodes, with the values attached to it. It keeps its own stack of what
// is still to be written: values may be deeper than Go's.
type opcodeWriter struct {
	w        *Writer
	contract *Contract
	out      []byte
	todo     []pending   // the last is next
	open     []container // that the next value is in
	index    int         // of the value of the stream that is being written
	value    any         // that is being written, inside it
	keys     map[string]int
	tags     []uint16
	attached [][]any // by tag
	broken   []brokenText
	inside   map[reference]bool // the containers in open beyond suspiciousLevel
}

// pending is what is still to be written: a value, the end of a container, or a key.
type pending struct {
	kind  pendingKind
	key   string
	value any
}

type pendingKind byte

const (
	writesItem  pendingKind = iota // of a list
	writesEntry                    // of a map, with its key
	writesKey                      // that is no string; what comes next is its value
	writesValue
	endsList
	endsMap
)

// container is a list or map that is being written.
type container struct {
	shape  *Shape // of its values
	keys   Kinds  // what the keys of a map may be
	index  int    // of the item of a list
	key    string // of the value of a map
	rare   any    // the key, if isRare: it is no string
	isRare bool
	ref    reference
}

// brokenText is a string that is not UTF-8. Python raises the error, as it does for strings that are not dynamic.
type brokenText struct {
	index uint64 // of the value among those of the stream
	place string // inside it
	bytes []byte
}

// mostKeys and longestKey bound what is written once and then referred to.
const (
	mostKeys   = 1 << 12
	longestKey = 64
)

func newOpcodeWriter(w *Writer, contract *Contract, shape *Shape) *opcodeWriter {
	return &opcodeWriter{w: w, contract: contract, open: append(make([]container, 0, 8), container{shape: shape})}
}

// values writes the stream of the values, which are one list in it.
func (s *opcodeWriter) values(c Column[any]) {
	s.out = append(make([]byte, 0, 256), opProtocol, streamProtocol, opFrame, 0, 0, 0, 0, 0, 0, 0, 0, opList, opMark)
	const frame = 11 // where the frame begins, which its size stands before
	for i := 0; i < c.n && s.w.err == nil; i++ {
		s.index = i
		s.todo = append(s.todo[:0], pending{kind: writesValue, value: *c.At(i)})
		for len(s.todo) > 0 && s.w.err == nil {
			next := s.todo[len(s.todo)-1]
			s.todo = s.todo[:len(s.todo)-1]
			s.run(next)
		}
	}
	s.out = append(s.out, opAppends, opStop)
	binary.LittleEndian.PutUint64(s.out[frame-8:], uint64(len(s.out)-frame))
}

// ref is what stands before the stream: the number of attached values, the stream's checksum and its size.
func (s *opcodeWriter) ref() Ref {
	checksum := crc32.ChecksumIEEE(s.out) // Python trusts what has the right one
	return Ref{uint64(len(s.tags)) | uint64(checksum)<<32, uint64(len(s.out))}
}

// finish writes the stream, and the attached values behind it.
func (s *opcodeWriter) finish() {
	w := s.w
	if w.err != nil {
		return
	}
	w.bytes(s.out)
	if len(s.tags) == 0 {
		return
	}
	WriteNumbers(w, ColumnOf(s.tags))
	for tag, values := range s.attached {
		if len(values) > 0 {
			s.writeAttached(tag, values)
		}
	}
}

func (s *opcodeWriter) writeAttached(tag int, values []any) {
	w := s.w
	switch tag {
	case AttachedDatetime:
		writeUnboxed(w, values, WriteTimes)
	case AttachedTimedelta:
		writeUnboxed(w, values, WriteNumbers[time.Duration])
	case AttachedUuid:
		writeUnboxed(w, values, WriteNumbers[[16]byte])
	case AttachedComplex:
		writeUnboxed(w, values, WriteNumbers[complex128])
	case AttachedBroken:
		texts := ColumnOf(s.broken)
		WriteNumbers(w, Field(texts, &texts.At(0).index))
		WriteStrings(w, Field(texts, &texts.At(0).place))
		WriteBytes(w, Field(texts, &texts.At(0).bytes))
	default:
		s.contract.structs[tag-AttachedStructs].write(w, values)
	}
}

func writeUnboxed[T any](w *Writer, values []any, write func(*Writer, Column[T])) {
	flat := make([]T, len(values))
	for i, value := range values {
		flat[i] = value.(T)
	}
	write(w, ColumnOf(flat))
}

// run writes what is next.
func (s *opcodeWriter) run(next pending) {
	top := &s.open[len(s.open)-1]
	switch next.kind {
	case endsList, endsMap:
		op := byte(opAppends)
		if next.kind == endsMap {
			op = opSetItems
		}
		s.out = append(s.out, op)
		if top.ref.pointer != nil {
			delete(s.inside, top.ref)
		}
		s.open = s.open[:len(s.open)-1]
	case writesKey:
		top.rare, top.isRare = next.value, true
		s.writeKey(next.value)
	case writesEntry:
		top.key = next.key
		s.expectKey(KindString, next.key)
		s.writeKeyString(next.key)
		s.write(next.value)
	case writesItem:
		top.index++
		s.write(next.value)
	case writesValue:
		s.write(next.value)
	}
}

// write writes a value, or begins to write a container.
func (s *opcodeWriter) write(value any) {
	s.value = value
	switch value := value.(type) {
	case string:
		s.expect(KindString)
		s.writeString(value)
	case int64:
		s.expect(KindInt)
		s.writeInt(value)
	case int:
		s.expect(KindInt)
		s.writeInt(int64(value))
	case float64:
		s.expect(KindFloat)
		s.writeFloat(value)
	case bool:
		s.expect(KindBool)
		s.writeBool(value)
	case nil:
		s.expect(KindNil)
		s.out = append(s.out, opNone)
	case map[string]any:
		if s.openMap(len(value)) {
			for key, item := range value {
				s.todo = append(s.todo, pending{writesEntry, key, item})
			}
		}
	case []any:
		if s.openList(len(value)) {
			for i := len(value) - 1; i >= 0; i-- {
				s.todo = append(s.todo, pending{value: value[i]})
			}
		}
	default:
		s.writeRare(value)
	}
}

// writeRare writes values of types that most documents hold few of.
func (s *opcodeWriter) writeRare(value any) {
	switch value := value.(type) {
	case []byte:
		s.expect(KindBytes)
		s.writeBytes(value)
	case time.Time:
		s.expect(KindTime)
		s.w.Time(value) // refuses what Python has no datetime for
		s.attach(AttachedDatetime, value)
	case time.Duration:
		s.expect(KindDuration)
		s.attach(AttachedTimedelta, value)
	case [16]byte:
		s.expect(KindUUID)
		s.attach(AttachedUuid, value)
	case complex128:
		s.expect(KindComplex)
		s.attach(AttachedComplex, value)
	case *big.Int:
		s.writeBig(value)
	case big.Int:
		s.writeBig(&value)
	default:
		s.writeReflected(reflect.ValueOf(value))
	}
}

var uuidType = reflect.TypeOf([16]byte{})

// writeReflected writes a value of a type that is none of those above, by what kind of type it is.
func (s *opcodeWriter) writeReflected(v reflect.Value) {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		if v.IsNil() {
			s.expect(KindNil)
			s.out = append(s.out, opNone)
			return
		}
		t = t.Elem()
	}
	if i := s.contract.structOf(t); i >= 0 {
		if top := s.open[len(s.open)-1]; !top.shape.allows(KindStruct, s.contract.structs[i].name) {
			s.misfit()
			return
		}
		s.attach(AttachedStructs+i, v.Interface())
		return
	}
	if kind := s.writeNumeric(v); kind != 0 {
		s.expect(kind)
		return
	}
	switch v.Kind() {
	case reflect.Complex64, reflect.Complex128:
		s.expect(KindComplex)
		s.attach(AttachedComplex, v.Complex())
	case reflect.String:
		s.writeText(v)
	case reflect.Slice, reflect.Array:
		s.writeSlice(v)
	case reflect.Map:
		s.writeMap(v)
	default:
		s.refuse("Python has no value for a %s", v.Type())
	}
}

// writeNumeric writes a bool or number of any type but the complex ones, and returns its kind; 0 for all else.
func (s *opcodeWriter) writeNumeric(v reflect.Value) Kinds {
	switch v.Kind() {
	case reflect.Bool:
		s.writeBool(v.Bool())
		return KindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.writeInt(v.Int())
		return KindInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.writeUint(v.Uint())
		return KindInt
	case reflect.Float32, reflect.Float64:
		s.writeFloat(v.Float())
		return KindFloat
	}
	return 0
}

// writeText writes a value of a string type: a number if the type is that of encoding/json.
func (s *opcodeWriter) writeText(v reflect.Value) {
	if t := v.Type(); t.PkgPath() == "encoding/json" && t.Name() == "Number" {
		s.writeNumber(v.String())
		return
	}
	s.expect(KindString)
	s.writeString(v.String())
}

// writeNumber writes the text of a number: an integer if it is written as one.
func (s *opcodeWriter) writeNumber(text string) {
	if !isNumber(text) {
		s.refuse("json.Number(%q) is not a number in JSON's notation", shortened(text))
		return
	}
	if n, ok := new(big.Int).SetString(text, 10); ok {
		s.writeBig(n)
		return
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.refuse("json.Number(%q) does not fit a float", shortened(text))
		return
	}
	s.expect(KindFloat)
	s.writeFloat(f)
}

func (s *opcodeWriter) writeSlice(v reflect.Value) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Array && t.ConvertibleTo(uuidType):
		s.expect(KindUUID)
		s.attach(AttachedUuid, v.Convert(uuidType).Interface())
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		s.expect(KindBytes)
		s.writeBytes(v.Bytes())
	case s.openList(v.Len()):
		for i := v.Len() - 1; i >= 0; i-- {
			s.todo = append(s.todo, pending{value: v.Index(i).Interface()})
		}
	}
}

func (s *opcodeWriter) writeMap(v reflect.Value) {
	if v.Type().Key().Kind() == reflect.Interface && v.Len() > 1 {
		if key, found := sameKey(v); found {
			s.refuse("two keys of the map are equal in Python, one is %v", key)
			return
		}
	}
	if !s.openMap(v.Len()) {
		return
	}
	for entries := v.MapRange(); entries.Next(); {
		key := entries.Key().Interface()
		s.todo = append(s.todo, pending{kind: writesValue, value: entries.Value().Interface()}, pending{kind: writesKey, value: key})
	}
}

// sameKey returns a key of a map that is equal to another in Python.
func sameKey(v reflect.Value) (any, bool) {
	seen := map[any]bool{}
	for entries := v.MapRange(); entries.Next(); {
		key := entries.Key().Interface()
		same := pythonKey(key)
		if seen[same] {
			return key, true
		}
		seen[same] = true // NaN is equal to nothing, here as in Python
	}
	return nil, false
}

// pythonKey returns the same for keys that are equal in Python: 1, 1.0 and true are.
func pythonKey(key any) any {
	switch v := reflect.ValueOf(key); v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return int64(1)
		}
		return int64(0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n := v.Uint(); n <= math.MaxInt64 {
			return int64(n)
		}
		return v.Uint()
	case reflect.Float32, reflect.Float64:
		f := v.Float()
		if f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
			return int64(f)
		}
		if f == math.Trunc(f) && f >= 1<<63 && f < 1<<64 {
			return uint64(f)
		}
		return f
	case reflect.String:
		return v.String()
	case reflect.Array:
		if v.Type().ConvertibleTo(uuidType) {
			return v.Convert(uuidType).Interface()
		}
	}
	return key
}

// Containers

func (s *opcodeWriter) openList(n int) bool {
	s.expect(KindList)
	s.out = append(s.out, opList)
	return n > 0 && s.enter(container{shape: s.open[len(s.open)-1].shape.Item, index: -1}, endsList)
}

func (s *opcodeWriter) openMap(n int) bool {
	s.expect(KindMap)
	s.out = append(s.out, opDict)
	top := s.open[len(s.open)-1].shape
	return n > 0 && s.enter(container{shape: top.Value, keys: top.Key}, endsMap)
}

// enter begins to write what is in the present value; false if that would never end.
func (s *opcodeWriter) enter(c container, closing pendingKind) bool {
	if s.w.err != nil {
		return false
	}
	if len(s.open) > suspiciousLevel {
		if at, ok := referenceOf(reflect.ValueOf(s.value)); ok {
			if s.inside[at] {
				s.w.fail("the value contains itself, so it has no end")
				return false
			}
			if s.inside == nil {
				s.inside = map[reference]bool{}
			}
			s.inside[at], c.ref = true, at
		}
	}
	s.out = append(s.out, opMark)
	s.open = append(s.open, c)
	s.todo = append(s.todo, pending{kind: closing})
	return true
}

// Refusals

// expect refuses the present value if that kind does not fit where it stands.
func (s *opcodeWriter) expect(kind Kinds) {
	if s.open[len(s.open)-1].shape.Kinds&kind == 0 {
		s.misfit()
	}
}

func (s *opcodeWriter) misfit() {
	s.refuse("expected %s, got %s", s.open[len(s.open)-1].shape.Text, typeName(s.value))
}

// expectKey refuses a key of a kind that keys of the map must not have.
func (s *opcodeWriter) expectKey(kind Kinds, key any) {
	if s.open[len(s.open)-1].keys&kind == 0 {
		s.open = s.open[:len(s.open)-1] // the place is that of the map
		s.refuse("expected %s, got a key of type %s", s.open[len(s.open)-1].shape.Text, typeName(key))
	}
}

func typeName(value any) string {
	if value == nil {
		return "nil"
	}
	return reflect.TypeOf(value).String()
}

// refuse makes the writer bad; the message begins with the place of the value.
func (s *opcodeWriter) refuse(format string, args ...any) {
	where := s.where()
	if where != "" {
		where += ": "
	}
	s.w.fail("%s%s", where, fmt.Sprintf(format, args...))
}

// where is the place of the value being written, inside the one that is dynamic.
func (s *opcodeWriter) where() string {
	var pieces []string
	for _, c := range s.open[1:] {
		switch {
		case c.keys == 0:
			pieces = append(pieces, fmt.Sprintf("[%d]", c.index))
		case c.isRare:
			pieces = append(pieces, fmt.Sprintf("[%v]", c.rare))
		default:
			pieces = append(pieces, "['"+c.key+"']")
		}
	}
	if len(pieces) > 40 {
		pieces = append(append(pieces[:20:20], " ... "), pieces[len(pieces)-20:]...)
	}
	return strings.Join(pieces, "")
}

// Values

func (s *opcodeWriter) writeKey(key any) {
	v := reflect.ValueOf(key)
	kind := s.writeNumeric(v)
	switch v.Kind() {
	case reflect.Invalid:
		kind = KindNil
		s.out = append(s.out, opNone)
	case reflect.String:
		kind = KindString
		s.writeKeyString(v.String())
	case reflect.Array:
		if v.Type().ConvertibleTo(uuidType) {
			kind = KindUUID
			s.attach(AttachedUuid, v.Convert(uuidType).Interface())
		}
	}
	s.expectKey(kind, key)
}

// writeKeyString writes a key, which documents have again and again: Python makes one string for all of them.
func (s *opcodeWriter) writeKeyString(key string) {
	if index, ok := s.keys[key]; ok {
		if index < 256 {
			s.out = append(s.out, opRecall1, byte(index))
		} else {
			s.out = append(s.out, opRecall4, byte(index), byte(index>>8), byte(index>>16), byte(index>>24))
		}
		return
	}
	s.writeString(key)
	if len(key) <= longestKey && len(s.keys) < mostKeys && len(s.broken) == 0 && s.w.err == nil {
		if s.keys == nil {
			s.keys = map[string]int{}
		}
		s.keys[key] = len(s.keys)
		s.out = append(s.out, opMemoize)
	}
}

func (s *opcodeWriter) writeString(text string) {
	if !utf8.ValidString(text) {
		if len(s.broken) == 0 {
			s.broken = append(s.broken, brokenText{uint64(s.index), s.where(), []byte(text)})
			s.attach(AttachedBroken, text)
		} else {
			s.out = append(s.out, opNone) // the first is reported
		}
		return
	}
	if n := len(text); n < 256 {
		s.out = append(s.out, opString1, byte(n))
	} else {
		s.out = append(s.out, opString8)
		s.out = appendUint64(s.out, uint64(n))
	}
	s.out = append(s.out, text...)
}

func (s *opcodeWriter) writeBytes(b []byte) {
	if n := len(b); n < 256 {
		s.out = append(s.out, opBytes1, byte(n))
	} else {
		s.out = append(s.out, opBytes8)
		s.out = appendUint64(s.out, uint64(n))
	}
	s.out = append(s.out, b...)
}

func appendUint64(to []byte, n uint64) []byte {
	return append(to, byte(n), byte(n>>8), byte(n>>16), byte(n>>24), byte(n>>32), byte(n>>40), byte(n>>48), byte(n>>56))
}

func (s *opcodeWriter) writeBool(b bool) {
	if b {
		s.out = append(s.out, opTrue)
	} else {
		s.out = append(s.out, opFalse)
	}
}

func (s *opcodeWriter) writeInt(n int64) {
	switch {
	case n >= 0 && n < 1<<8:
		s.out = append(s.out, opInt1, byte(n))
	case n == int64(int32(n)):
		s.out = append(s.out, opInt4, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	default:
		s.out = append(s.out, opLong1, 8)
		s.out = appendUint64(s.out, uint64(n))
	}
}

func (s *opcodeWriter) writeUint(n uint64) {
	if n <= math.MaxInt64 {
		s.writeInt(int64(n))
		return
	}
	s.out = append(s.out, opLong1, 9)
	s.out = append(appendUint64(s.out, n), 0)
}

func (s *opcodeWriter) writeFloat(f float64) {
	b := math.Float64bits(f)
	s.out = append(s.out, opFloat, byte(b>>56), byte(b>>48), byte(b>>40), byte(b>>32), byte(b>>24), byte(b>>16), byte(b>>8), byte(b))
}

// writeBig writes an integer of any size; nil as None.
func (s *opcodeWriter) writeBig(n *big.Int) {
	if n == nil {
		s.expect(KindNil)
		s.out = append(s.out, opNone)
		return
	}
	s.expect(KindInt)
	if n.IsInt64() {
		s.writeInt(n.Int64())
		return
	}
	bytes := reverse(complementOf(n))
	if len(bytes) < 256 {
		s.out = append(s.out, opLong1, byte(len(bytes)))
	} else {
		size := uint32(len(bytes))
		if uint64(size) != uint64(len(bytes)) || size > math.MaxInt32 {
			s.refuse("an integer of %d bytes is too large", len(bytes))
			return
		}
		s.out = append(s.out, opLong4, byte(size), byte(size>>8), byte(size>>16), byte(size>>24))
	}
	s.out = append(s.out, bytes...)
}

// attach notes a value that no opcode stands for, and refers to it.
func (s *opcodeWriter) attach(tag int, value any) {
	if s.w.err != nil {
		return
	}
	s.writeInt(int64(len(s.tags)))
	s.out = append(s.out, opAttached)
	s.tags = append(s.tags, uint16(tag))
	for len(s.attached) <= tag {
		s.attached = append(s.attached, nil)
	}
	s.attached[tag] = append(s.attached[tag], value)
}
