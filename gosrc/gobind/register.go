package gobind

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Root is the registered implementation of an interface.
type Root[T any] struct {
	name     string
	register string         // the function that registers one
	impl     unsafe.Pointer // of T, read and written atomically; nil: there is none
}

// NewRoot is the root of the interface of that name; register is the name of the function that sets it.
func NewRoot[T any](name, register string) *Root[T] {
	return &Root[T]{name: name, register: register}
}

// Set registers the implementation, in place of an earlier one.
func (r *Root[T]) Set(impl T) { atomic.StorePointer(&r.impl, unsafe.Pointer(&impl)) }

// of is the object that a call is for. If there is none the call has an error.
func (r *Root[T]) of(c *Call) (impl T) {
	if c.receiver != 0 {
		return receiverOf[T](c)
	}
	if held := (*T)(atomic.LoadPointer(&r.impl)); held != nil {
		return *held
	}
	c.kind = StatusRefused
	c.err = fmt.Errorf("%s is not implemented: call %s in an init function", r.name, r.register)
	return impl
}

// whyGone says why there is no object of that handle.
func whyGone(handle uint64) string {
	if handle == LostHandle {
		return "the object belongs to the parent process"
	}
	return "the object is closed"
}

// method is an entry of the table that requests refer to by number.
type method struct {
	name     string // Interface.method
	record   int    // size of the parameters' record
	handle   Handler
	contract *Contract
	plain    plainHandler // not nil: the short way
}

var (
	methods   []*method
	contracts []*Contract
)

// registering guards the two tables above while packages add to them; calls only read, when all init functions are done.
var registering sync.Mutex

// streamMethod is the built-in method that fetches items.
var streamMethod = &method{name: "stream", handle: nextBatch, contract: new(Contract)}

func methodOf(number uint32) (*method, error) {
	if number == StreamNext {
		return streamMethod, nil
	}
	if uint64(number) >= uint64(len(methods)) {
		return nil, fmt.Errorf("request refused: there are %d methods, got number %d", len(methods), number)
	}
	return methods[number], nil
}

// Contract describes what one generated package offers.
type Contract struct {
	name       string
	pkg        string
	text       string
	interfaces []*Interface
	errors     []ErrorType
	callables  map[string]int // the numbers of functions' calls, by annotation
	layouts    map[string][]uintptr
	problems   []string
}

// NewContract adds a contract to the library: its name, its Go package and its text.
func NewContract(name, pkg, text string) *Contract {
	registering.Lock()
	defer registering.Unlock()
	c := &Contract{name: name, pkg: pkg, text: text, callables: map[string]int{}, layouts: map[string][]uintptr{}}
	contracts = append(contracts, c)
	return c
}

// Error adds an error type; the first that matches is the one.
func (c *Contract) Error(e ErrorType) { c.errors = append(c.errors, e) }

// Layout says where the fields of a struct's record lie in Go.
func (c *Contract) Layout(name string, size uintptr, offsets ...uintptr) {
	c.layouts[name] = append([]uintptr{size}, offsets...)
}

// Flat says where the fields of a struct lie that is passed in buffers: it must be like its record.
func (c *Contract) Flat(name string, size uintptr, offsets ...uintptr) {
	got, record := append([]uintptr{size}, offsets...), c.layouts[name]
	if fmt.Sprint(got) != fmt.Sprint(record) {
		c.problems = append(c.problems, fmt.Sprintf("%s: Go lays it out as %v, its record as %v", name, got, record))
	}
}

// Interface describes one interface of a contract.
type Interface struct {
	name        string
	fingerprint string
	first       int
	methods     []string
	contract    *Contract
}

// NewInterface adds an interface to a contract.
func NewInterface[T any](c *Contract, fingerprint string, root *Root[T]) *Interface {
	i := &Interface{name: root.name, fingerprint: fingerprint, first: len(methods), contract: c}
	c.interfaces = append(c.interfaces, i)
	return i
}

// Method adds a method; its number in requests is the next one. Size is that of the record of its parameters.
func (i *Interface) Method(name string, size uintptr, handle Handler) {
	registering.Lock()
	defer registering.Unlock()
	i.methods = append(i.methods, name)
	methods = append(methods, &method{i.name + "." + name, int(size), handle, i.contract, nil})
}

// Callable adds the functions of one annotation: calling one is a method, whose receiver is the function.
func (c *Contract) Callable(annotation string, size uintptr, handle Handler) {
	registering.Lock()
	defer registering.Unlock()
	c.callables[annotation] = len(methods)
	methods = append(methods, &method{annotation, int(size), handle, c, nil})
}

// problems is what does not fit together in the library.
func problems() (found []string) {
	owners := map[string]string{}
	for _, c := range contracts {
		for _, i := range c.interfaces {
			if owner, twice := owners[i.name]; twice {
				problem := fmt.Sprintf("two interfaces are named %s: in package %s and in package %s", i.name, owner, c.pkg)
				found = append(found, problem)
			}
			owners[i.name] = c.pkg
		}
		found = append(found, c.problems...)
	}
	return found
}

var (
	describing  sync.Once
	description []byte // read by Python at any time
)

// Describe is the address of the library's description.
func Describe() uintptr {
	describing.Do(func() {
		var w Writer
		found := problems()
		WriteLists(&w, One(&found), WriteStrings[string])
		WriteLists(&w, One(&contracts), writeContracts)
		frame := bytes.Join(w.frame(), nil)
		size := make([]byte, 8)
		binary.LittleEndian.PutUint64(size, uint64(len(frame)))
		description = append(append([]byte(fmt.Sprintf("{\"abi\":%d}\x00", ABI)), size...), frame...)
	})
	return uintptr(unsafe.Pointer(&description[0]))
}

func writeContracts(w *Writer, pointers Column[*Contract]) {
	c := followed(pointers)
	WriteStrings(w, Field(c, &c.At(0).name))
	WriteStrings(w, Field(c, &c.At(0).text))
	WriteLists(w, Field(c, &c.At(0).interfaces), writeInterfaces)
	WriteLists(w, Field(c, &c.At(0).errors), writeErrors)
	WriteMaps(w, Field(c, &c.At(0).callables), WriteStrings[string], WriteNumbers[int])
	WriteMaps(w, Field(c, &c.At(0).layouts), WriteStrings[string], writeLayouts)
}

func writeInterfaces(w *Writer, pointers Column[*Interface]) {
	c := followed(pointers)
	WriteStrings(w, Field(c, &c.At(0).name))
	WriteStrings(w, Field(c, &c.At(0).fingerprint))
	WriteNumbers(w, Field(c, &c.At(0).first))
	WriteLists(w, Field(c, &c.At(0).methods), WriteStrings[string])
}

func writeErrors(w *Writer, c Column[ErrorType]) {
	WriteStrings(w, Field(c, &c.At(0).name))
	WriteStrings(w, Field(c, &c.At(0).fingerprint))
}

func writeLayouts(w *Writer, c Column[[]uintptr]) { WriteLists(w, c, WriteNumbers[uintptr]) }

// followed is the column of what pointers point to.
func followed[T any](pointers Column[*T]) Column[T] {
	values := make([]T, pointers.n)
	for i := range values {
		values[i] = **pointers.At(i)
	}
	return ColumnOf(values)
}
