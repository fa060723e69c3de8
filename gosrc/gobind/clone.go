package gobind

import (
	"math/big"
	"reflect"
	"sync"
)

// A stream may reuse the memory of an item for the next one, as loops over a buffer do, while items wait to be written
// into a batch. So an item is copied before yield returns, as far as it refers to memory: slices, maps, and what
// pointers refer to. Strings cannot change, and objects, functions and streams are passed by reference.

// plan says what of the values of a type is to be copied.
type plan struct {
	kind    reflect.Kind
	elem    *plan   // of slices, arrays, maps and pointers
	fields  []field // of structs
	isUnion bool    // of interfaces
	isBig   bool    // of pointers: to big.Int
}

// field is one of a struct that has something to be copied.
type field struct {
	index int
	plan  *plan
}

// plans are those of all types so far; nil for a type whose values refer to nothing that can change.
var plans = struct {
	sync.Mutex
	of map[reflect.Type]*plan
}{of: map[reflect.Type]*plan{}}

var bigType = reflect.TypeOf(big.Int{})

func planOf(t reflect.Type) *plan {
	plans.Lock()
	defer plans.Unlock()
	return makePlan(t)
}

func makePlan(t reflect.Type) *plan {
	if known, ok := plans.of[t]; ok {
		return known
	}
	p := &plan{kind: t.Kind()}
	plans.of[t] = p // for types that refer to themselves, which they do through what is copied
	if p.isEmpty(t) {
		p = nil
		plans.of[t] = nil
	}
	return p
}

// isEmpty fills p in, and reports whether nothing is to be copied.
func (p *plan) isEmpty(t reflect.Type) bool {
	switch p.kind {
	case reflect.Slice, reflect.Map:
		p.elem = makePlan(t.Elem())
		return false
	case reflect.Pointer:
		if p.isBig = t.Elem() == bigType; !p.isBig {
			p.elem = makePlan(t.Elem())
		}
		return false
	case reflect.Array:
		p.elem = makePlan(t.Elem())
		return p.elem == nil
	case reflect.Interface:
		p.isUnion = isUnion(t)
		return !p.isUnion && t.NumMethod() > 0 // an object
	case reflect.Struct:
		for i := 0; i < t.NumField() && t != timeType; i++ {
			if inner := makePlan(t.Field(i).Type); inner != nil {
				p.fields = append(p.fields, field{i, inner})
			}
		}
		return len(p.fields) == 0
	}
	return true
}

// cloneStep is a value to be copied where it stands, or one whose parts have been copied, to be put where it belongs.
type cloneStep struct {
	plan  *plan
	value reflect.Value
	into  reflect.Value // a map or interface that value belongs to
	key   reflect.Value // its key in the map
	done  bool
}

// clone makes the memory that item refers to its own. It keeps its own stack: values may be deeper than Go's. A value that
// contains itself stays as it is: it cannot be written.
func clone[T any](item *T, p *plan, contract *Contract) {
	if data, ok := any(item).(*[]byte); ok {
		if *data != nil {
			*data = append([]byte{}, *data...)
		}
		return
	}
	before := *item
	todo := []cloneStep{{plan: p, value: reflect.ValueOf(item).Elem()}}
	for steps := 0; len(todo) > 0; steps++ {
		if steps == suspiciousLevel && hasCycle(One(&before)) {
			*item = before
			return
		}
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		switch {
		case !next.done:
			todo = next.clone(todo, contract)
		case next.into.Kind() == reflect.Map:
			next.into.SetMapIndex(next.key, next.value)
		default:
			next.into.Set(next.value)
		}
	}
}

// clone copies the memory that the value refers to itself, and adds the steps that copy what that refers to.
func (s cloneStep) clone(todo []cloneStep, contract *Contract) []cloneStep {
	p, v := s.plan, s.value
	switch p.kind {
	case reflect.Struct:
		for _, field := range p.fields {
			todo = append(todo, cloneStep{plan: field.plan, value: v.Field(field.index)})
		}
		return todo
	case reflect.Array:
		return eachItem(todo, p.elem, v)
	}
	if v.IsNil() {
		return todo
	}
	switch p.kind {
	case reflect.Slice:
		made := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(made, v)
		v.Set(made)
		return eachItem(todo, p.elem, made)
	case reflect.Map:
		made := reflect.MakeMapWithSize(v.Type(), v.Len())
		for each := v.MapRange(); each.Next(); {
			if p.elem == nil {
				made.SetMapIndex(each.Key(), each.Value())
				continue
			}
			todo = inside(todo, p.elem, each.Value(), made, each.Key())
		}
		v.Set(made)
	case reflect.Pointer:
		if p.isBig {
			v.Set(reflect.ValueOf(new(big.Int).Set(v.Interface().(*big.Int))))
			return todo
		}
		made := reflect.New(v.Type().Elem())
		made.Elem().Set(v.Elem())
		v.Set(made)
		if p.elem != nil {
			todo = append(todo, cloneStep{plan: p.elem, value: made.Elem()})
		}
	case reflect.Interface:
		if value := v.Elem(); p.isUnion || isDynamic(value.Type(), contract) {
			if inner := planOf(value.Type()); inner != nil {
				todo = inside(todo, inner, value, v, reflect.Value{})
			}
		}
	}
	return todo
}

// isDynamic reports whether a dynamic value may be of that type: of pointers only those to structs of the contract and to
// big.Int. Others are refused when they are written.
func isDynamic(t reflect.Type, contract *Contract) bool {
	if t.Kind() != reflect.Pointer || t.Elem() == bigType {
		return true
	}
	return contract != nil && contract.structOf(t.Elem()) >= 0
}

// inside adds the steps for a value that cannot be changed where it is: it is copied beside, and put there afterwards.
func inside(todo []cloneStep, p *plan, value, into, key reflect.Value) []cloneStep {
	beside := reflect.New(value.Type()).Elem()
	beside.Set(value)
	return append(todo, cloneStep{value: beside, into: into, key: key, done: true}, cloneStep{plan: p, value: beside})
}

func eachItem(todo []cloneStep, p *plan, list reflect.Value) []cloneStep {
	for i := 0; p != nil && i < list.Len(); i++ {
		todo = append(todo, cloneStep{plan: p, value: list.Index(i)})
	}
	return todo
}
