package gobind

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
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

// NewRoot returns the root of the interface of that name; register is the name of the function that sets it.
func NewRoot[T any](name, register string) *Root[T] {
	return &Root[T]{name: name, register: register}
}

// Set registers the implementation, in place of an earlier one.
func (r *Root[T]) Set(impl T) { atomic.StorePointer(&r.impl, unsafe.Pointer(&impl)) }

// Handler runs one call of one method: it reads the parameters, calls the implementation, and gives the call its
// result. It does not know how the request came or where the response goes.
type Handler func(c *Call)

// plainHandler runs a call of a plain method: its parameters are numbers, so there is only the record to read, and
// its result is a number or nothing. It returns false if there is no such object.
type plainHandler func(receiver uint64, record unsafe.Pointer) (result int64, err error, ok bool)

// method is an entry of the table that requests refer to by index.
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

// streamMethod is the built-in method that fetches items; stream.go gives it its handler.
var streamMethod = &method{name: "stream", contract: new(Contract)}

func methodOf(index uint32) (*method, error) {
	if index == StreamNext {
		return streamMethod, nil
	}
	if uint64(index) >= uint64(len(methods)) {
		return nil, fmt.Errorf("request refused: there are %d methods, got number %d", len(methods), index)
	}
	return methods[index], nil
}

// ErrorType is one error of a contract.
type ErrorType struct {
	name        string
	fingerprint string
	find        func(r *report) func(*Writer) // nil if the error is not of this type
	read        func(*Reader) error           // the error out of a block of one
}

// Contract describes what one generated package offers.
type Contract struct {
	name       string
	pkg        string
	text       string
	interfaces []*Interface
	errors     []ErrorType
	structs    []DynamicStruct // that dynamic values may hold
	callables  map[string]int  // the indexes of functions' calls, by annotation
	layouts    map[string][]uintptr
	requires   map[string]string // features that gobind must know, with the first version that does
	problems   []string
}

// NewContract adds a contract to the library: its name, its Go package and its text.
func NewContract(name, pkg, text string) *Contract {
	registering.Lock()
	defer registering.Unlock()
	c := &Contract{name: name, pkg: pkg, text: text}
	c.callables, c.layouts, c.requires = map[string]int{}, map[string][]uintptr{}, map[string]string{}
	contracts = append(contracts, c)
	return c
}

// Requires says that only a gobind that knows a feature can load the library, and which is the first that does.
func (c *Contract) Requires(feature, since string) { c.requires[feature] = since }

// Error adds an error type; the first that matches is used.
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

// Method adds a method; its index in requests is the next one. Size is that of the record of its parameters.
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

// problems lists what does not fit together in the library.
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

// Describe returns the address of the library's description.
func Describe() uintptr {
	describing.Do(func() {
		var w Writer
		found := problems()
		WriteLists(&w, One(&found), WriteStrings[string])
		WriteLists(&w, One(&contracts), writeContracts)
		frame := bytes.Join(w.frame(), nil)
		size := make([]byte, 8)
		binary.LittleEndian.PutUint64(size, uint64(len(frame)))
		description = append(append([]byte(head()+"\x00"), size...), frame...)
	})
	return uintptr(unsafe.Pointer(&description[0]))
}

// head returns the text in front of the description, which every version of gobind can read.
func head() string {
	requires := map[string]string{}
	for _, c := range contracts {
		for feature, since := range c.requires {
			requires[feature] = since
		}
	}
	var required []string
	for feature, since := range requires {
		required = append(required, fmt.Sprintf("%q:%q", feature, since))
	}
	sort.Strings(required)
	return Head + ",\"requires\":{" + strings.Join(required, ",") + "}}"
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

// followed returns the column of what pointers point to.
func followed[T any](pointers Column[*T]) Column[T] {
	values := make([]T, pointers.n)
	for i := range values {
		values[i] = **pointers.At(i)
	}
	return ColumnOf(values)
}
