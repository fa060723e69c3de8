package gobind

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"
)

// The opcodes of a stream: those of Python's pickle protocol 5 that stand for data (gobind/protocol.py).
const (
	opMark         = '('
	opStop         = '.'
	opNone         = 'N'
	opTrue         = 0x88
	opFalse        = 0x89
	opInt4         = 'J'
	opInt1         = 'K'
	opInt2         = 'M'
	opLong1        = 0x8a
	opLong4        = 0x8b
	opFloat        = 'G'
	opString1      = 0x8c
	opString4      = 'X'
	opString8      = 0x8d
	opBytes1       = 'C'
	opBytes4       = 'B'
	opBytes8       = 0x8e
	opBytearray8   = 0x96
	opList         = ']'
	opAppend       = 'a'
	opAppends      = 'e'
	opEmptyTuple   = ')'
	opTuple1       = 0x85
	opTuple2       = 0x86
	opTuple3       = 0x87
	opTuple        = 't'
	opDict         = '}'
	opSetItem      = 's'
	opSetItems     = 'u'
	opAttached     = 'Q'
	opMemoize      = 0x94
	opRecall1      = 'h'
	opRecall4      = 'j'
	opGlobal       = 0x93
	opReduce       = 'R'
	opFrame        = 0x95
	opProtocol     = 0x80
	opSet          = 0x8f
	opFrozenset    = 0x91
	streamProtocol = 5
)

// ReadDynamic reads a dynamic value of the record.
func ReadDynamic(r *Reader, contract *Contract, shape *Shape, ref Ref, to *any) {
	readStream(r, contract, shape, ref, One(to))
}

// ReadDynamics reads a block of dynamic values.
func ReadDynamics(r *Reader, contract *Contract, shape *Shape, c Column[any]) {
	head := r.take(16)
	if head == nil {
		return
	}
	ref := Ref{binary.LittleEndian.Uint64(head), binary.LittleEndian.Uint64(head[8:])}
	readStream(r, contract, shape, ref, c)
}

// readStream reads the stream of c.n values, and the values attached to it.
func readStream(r *Reader, contract *Contract, shape *Shape, ref Ref, c Column[any]) {
	text := r.take(r.count(ref.Len, 1))
	if text == nil {
		r.refuse("a dynamic value without a stream")
		return
	}
	s := opcodeReader{r: r, rest: string(text), attached: readAttached(r, contract, uint64(uint32(ref.Pointer)))}
	s.bad = r.err != nil
	for i, value := range s.values(c.n) {
		if shape != Any {
			checked, misfit := shape.check(contract, value)
			if misfit != "" {
				r.refuseValue(false, "%s", misfit)
				return
			}
			value = checked
		}
		*c.At(i) = value
	}
}

// readAttached reads the n values attached to a stream.
func readAttached(r *Reader, contract *Contract, n uint64) []any {
	if n == 0 || r.err != nil {
		return nil
	}
	tags := make([]uint16, r.count(n, 2))
	if len(tags) == 0 {
		return nil
	}
	ReadNumbers(r, ColumnOf(tags))
	counts := make([]int, AttachedStructs+len(contract.structs))
	for _, tag := range tags {
		if int(tag) >= len(counts) {
			r.refuse("expected an attached value of a type below %d, got %d", len(counts), tag)
			return nil
		}
		counts[tag]++
	}
	columns := make([][]any, len(counts))
	for tag, count := range counts {
		if count > 0 && r.err == nil {
			columns[tag] = readAttachedOf(r, contract, tag, count)
		}
	}
	values := make([]any, len(tags))
	for i, tag := range tags {
		if r.err != nil {
			return nil
		}
		values[i], columns[tag] = columns[tag][0], columns[tag][1:]
	}
	return values
}

// readAttachedOf reads a block of count attached values of one type.
func readAttachedOf(r *Reader, contract *Contract, tag, count int) []any {
	switch tag {
	case AttachedDatetime:
		return readBoxed(r, count, 12, ReadTimes)
	case AttachedTimedelta:
		return readBoxed(r, count, 8, ReadNumbers[time.Duration])
	case AttachedUuid:
		return readBoxed(r, count, 16, ReadNumbers[[16]byte])
	case AttachedComplex:
		return readBoxed(r, count, 16, ReadNumbers[complex128])
	}
	if tag < AttachedStructs {
		r.refuse("attached values of type %d come from Go only", tag)
		return nil
	}
	return contract.structs[tag-AttachedStructs].read(r, count)
}

func readBoxed[T any](r *Reader, n, min int, read func(*Reader, Column[T])) []any {
	flat := make([]T, r.count(uint64(n), min))
	if len(flat) > 0 {
		read(r, ColumnOf(flat))
	}
	boxed := make([]any, len(flat))
	for i, value := range flat {
		boxed[i] = value
	}
	return boxed
}

// opcodeReader makes the values that the opcodes of a stream stand for. Nothing recurses, and each value took a byte of it.
type opcodeReader struct {
	r        *Reader
	rest     string
	stack    []any
	marks    []int
	memo     []any // a string, []byte or nil, for what is never recalled
	attached []any
	builtins int // on the stack, or in values
	bad      bool
}

// values returns the n values of the stream, which are one list in it.
func (s *opcodeReader) values(n int) []any {
	for !s.bad && s.step() {
	}
	if s.bad {
		return nil
	}
	if s.builtins > 0 {
		s.refuse("has a type for a value")
		return nil
	}
	if len(s.rest) > 0 || len(s.stack) != 1 || len(s.marks) > 0 {
		s.refuse("ends with %d bytes and %d values left", len(s.rest), len(s.stack))
		return nil
	}
	values, ok := s.stack[0].([]any)
	if !ok || len(values) != n {
		s.refuse("is not a list of %d values", n)
		return nil
	}
	return values
}

// refuse notes what is wrong with the stream, whose end is known: what follows it in the frame is read all the same.
func (s *opcodeReader) refuse(format string, args ...any) {
	s.bad = true
	s.r.refuseValue(false, "a dynamic value's stream "+format, args...)
}

func (s *opcodeReader) push(value any) { s.stack = append(s.stack, value) }

// take returns the next n bytes.
func (s *opcodeReader) take(n uint64) string {
	if n > uint64(len(s.rest)) {
		s.refuse("is cut short")
		return ""
	}
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

// number returns the next number of that many bytes.
func (s *opcodeReader) number(size int) (n uint64) {
	taken := s.take(uint64(size))
	for i := len(taken) - 1; i >= 0; i-- {
		n = n<<8 | uint64(taken[i])
	}
	return n
}

// step runs one opcode; false at the end.
func (s *opcodeReader) step() bool {
	if len(s.rest) == 0 {
		s.refuse("does not end")
		return false
	}
	op := s.rest[0]
	s.rest = s.rest[1:]
	switch op {
	case opString1:
		s.pushString(s.number(1))
	case opString4:
		s.pushString(s.number(4))
	case opString8:
		s.pushString(s.number(8))
	case opInt1:
		s.push(int64(s.number(1)))
	case opInt2:
		s.push(int64(s.number(2)))
	case opInt4:
		s.push(int64(int32(s.number(4))))
	case opLong1:
		s.pushLong(s.take(s.number(1)))
	case opLong4:
		s.pushLong(s.take(s.number(4)))
	case opFloat:
		if b := s.take(8); len(b) == 8 {
			s.push(math.Float64frombits(binary.BigEndian.Uint64([]byte(b))))
		}
	case opNone:
		s.push(nil)
	case opTrue:
		s.push(true)
	case opFalse:
		s.push(false)
	case opMark:
		s.marks = append(s.marks, len(s.stack))
	case opList, opEmptyTuple:
		s.push(emptyList)
	case opDict:
		s.push(newMap)
	case opAppend:
		s.appendTo(len(s.stack) - 1)
	case opAppends:
		s.appendTo(s.mark())
	case opSetItem:
		s.setItems(len(s.stack) - 2)
	case opSetItems:
		s.setItems(s.mark())
	case opTuple1, opTuple2, opTuple3:
		s.pushTuple(len(s.stack) - 1 - int(op-opTuple1))
	case opTuple:
		s.pushTuple(s.mark())
	case opAttached:
		s.pushAttached()
	case opFrame:
		s.take(8)
	case opProtocol:
		if version := s.number(1); version > streamProtocol {
			s.refuse("is of protocol %d, expected at most %d", version, streamProtocol)
		}
	case opStop:
		return false
	default:
		s.pushRare(op)
	}
	return true
}

// pushRare runs an opcode of what is rare, or not taken.
func (s *opcodeReader) pushRare(op byte) {
	switch op {
	case opBytes1:
		s.push([]byte(s.take(s.number(1))))
	case opBytes4:
		s.push([]byte(s.take(s.number(4))))
	case opBytes8, opBytearray8:
		s.push([]byte(s.take(s.number(8))))
	case opMemoize:
		if len(s.stack) == 0 {
			s.refuse("has too few values")
			return
		}
		var kept any
		switch value := s.stack[len(s.stack)-1].(type) {
		case string, []byte:
			kept = value
		}
		s.memo = append(s.memo, kept)
	case opGlobal:
		s.pushBuiltin()
	case opReduce:
		s.reduce()
	case opRecall1:
		s.recall(s.number(1))
	case opRecall4:
		s.recall(s.number(4))
	case opSet, opFrozenset:
		s.refuse("holds a set, which Go has no dynamic value for")
	default:
		s.refuse("has the opcode %#x, which means nothing", op)
	}
}

// builtin is a type of Python's, called with a value of exactly that type: what an instance of a subclass becomes.
type builtin struct{}

func (s *opcodeReader) pushBuiltin() {
	if names := s.since(len(s.stack)-2, 0); !s.bad {
		if names[0] != "builtins" {
			s.refuse("names %v.%v", names[0], names[1])
			return
		}
		s.push(builtin{})
		s.builtins++
	}
}

func (s *opcodeReader) reduce() {
	call := s.since(len(s.stack)-2, 0)
	if s.bad {
		return
	}
	args, ok := call[1].([]any)
	if _, named := call[0].(builtin); !named || !ok || len(args) != 1 {
		s.refuse("calls what is no type with one value")
		return
	}
	s.builtins--
	s.push(args[0])
}

// recall pushes a string that was memoized; PyPy's pickle memoizes bytes, too.
func (s *opcodeReader) recall(index uint64) {
	if index >= uint64(len(s.memo)) {
		s.refuse("refers to a string that is not there")
		return
	}
	switch value := s.memo[index].(type) {
	case string:
		s.push(value)
	case []byte:
		s.push(append([]byte{}, value...)) // each is its owner's to change
	default:
		s.refuse("refers to a value that is no string")
	}
}

// emptyList is shared: nothing can be stored in it, and whoever appends to it gets memory of their own.
var emptyList any = []any{}

// newMap stands for a map until its entries are known: one without any never has some. It is no value of Go's.
var newMap any = map[string]any(nil)

func (s *opcodeReader) pushString(n uint64) {
	text := s.take(n)
	if !utf8.ValidString(text) {
		s.refuse("holds a string that is not UTF-8")
	}
	s.push(text)
}

// pushLong pushes an integer of little-endian bytes in two's complement.
func (s *opcodeReader) pushLong(bytes string) {
	if len(bytes) <= 8 {
		n := int64(0)
		for i := len(bytes) - 1; i >= 0; i-- {
			if i == len(bytes)-1 {
				n = int64(int8(bytes[i]))
			} else {
				n = n<<8 | int64(bytes[i])
			}
		}
		s.push(n)
		return
	}
	s.push(bigOf(reverse([]byte(bytes))))
}

// reverse turns bytes around, in place, and returns them: pickle has the lowest first.
func reverse(b []byte) []byte {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

func (s *opcodeReader) pushAttached() {
	at := len(s.stack) - 1
	if at < 0 {
		s.refuse("has too few values")
		return
	}
	index, ok := s.stack[at].(int64)
	if !ok || index < 0 || index >= int64(len(s.attached)) {
		s.refuse("refers to an attached value that is not there")
		return
	}
	s.stack[at] = s.attached[index]
}

// mark returns where the values since the last mark begin.
func (s *opcodeReader) mark() int {
	last := len(s.marks) - 1
	if last < 0 {
		return -1
	}
	at := s.marks[last]
	s.marks = s.marks[:last]
	return at
}

// since takes the values from place `at` of the stack on, which `below` others must stand below. The values must be used
// before the next is pushed.
func (s *opcodeReader) since(at, below int) []any {
	if at < below || at > len(s.stack) || (len(s.marks) > 0 && at-below < s.marks[len(s.marks)-1]) {
		s.refuse("has too few values")
		return nil
	}
	values := s.stack[at:]
	s.stack = s.stack[:at]
	for i, value := range values {
		if m, ok := value.(map[string]any); ok && m == nil {
			values[i] = map[string]any{}
		}
	}
	return values
}

func (s *opcodeReader) pushTuple(at int) {
	items := s.since(at, 0)
	if !s.bad {
		s.push(append(make([]any, 0, len(items)), items...))
	}
}

func (s *opcodeReader) appendTo(at int) {
	items := s.since(at, 1)
	if s.bad {
		return
	}
	list, ok := s.stack[at-1].([]any)
	if !ok {
		s.refuse("appends to what is no list")
		return
	}
	if len(list) == 0 {
		list = make([]any, 0, len(items))
	}
	s.stack[at-1] = append(list, items...)
}

func (s *opcodeReader) setItems(at int) {
	items := s.since(at, 1)
	if s.bad {
		return
	}
	if len(items)%2 != 0 {
		s.refuse("has a key without a value")
		return
	}
	switch to := s.stack[at-1].(type) {
	case map[string]any:
		if before := len(to); setStrings(&to, items) {
			s.expectNew(before, len(to), items)
			s.stack[at-1] = to
			return
		}
		s.stack[at-1] = s.setAny(to, items)
	case map[any]any:
		s.setAll(to, items)
	default:
		s.refuse("sets an entry of what is no dict")
	}
}

// expectNew refuses keys that the map had, or that are the same.
func (s *opcodeReader) expectNew(before, after int, items []any) {
	if after != before+len(items)/2 {
		s.refuse("sets %d entries of a dict and has only %d different keys", before+len(items)/2, after)
	}
}

// setStrings adds entries whose keys are strings; it does nothing and returns false if one is not.
func setStrings(to *map[string]any, items []any) bool {
	for i := 0; i < len(items); i += 2 {
		if _, ok := items[i].(string); !ok {
			return false
		}
	}
	if *to == nil {
		*to = make(map[string]any, len(items)/2)
	}
	for i := 0; i < len(items); i += 2 {
		(*to)[items[i].(string)] = items[i+1]
	}
	return true
}

// setAny returns a map with the entries of one whose keys are strings, and others.
func (s *opcodeReader) setAny(strings map[string]any, items []any) map[any]any {
	made := make(map[any]any, len(strings)+len(items)/2)
	for key, value := range strings {
		made[key] = value
	}
	s.setAll(made, items)
	return made
}

func (s *opcodeReader) setAll(to map[any]any, items []any) {
	before := len(to)
	for i := 0; i < len(items); i += 2 {
		switch key := items[i].(type) {
		case nil, bool, int64, float64, string, [16]byte:
			to[key] = items[i+1]
		default:
			s.refuse("has a key of type %T, which cannot be one in Go", key)
			return
		}
	}
	s.expectNew(before, len(to), items)
}
