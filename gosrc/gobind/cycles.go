package gobind

import (
	"reflect"
	"time"
	"unsafe"
)

// A value that contains itself, through pointers, slices or maps, would make a frame without end. Looking for that in
// each result would cost three times as much as writing it, so only very deep or very large results are checked.
const (
	suspiciousLevel = 512
	suspiciousCount = 1 << 20
)

var timeType = reflect.TypeOf(time.Time{})

// depth counts how deep a writer is in structs that contain themselves.
type depth struct {
	level  int  // of the block being written
	count  int  // of values in such blocks so far
	finite bool // the values below the block being written have been checked and are finite
}

// suspicious counts n more values of the block being written, and reports whether they must be checked.
func (d *depth) suspicious(n int) bool {
	d.count += n
	return !d.finite && (d.level >= suspiciousLevel || d.count >= suspiciousCount)
}

// reference identifies a pointer, slice or map: a value without end meets a reference again that it is still inside
// of, as there is a finite number of them.
type reference struct {
	pointer unsafe.Pointer
	length  int
	kind    reflect.Type
}

// visit is a value to be checked, or the end of checking the values within a reference.
type visit struct {
	value reflect.Value
	leave *reference
}

// hasCycle reports whether a value of c contains itself. It keeps its own stack: values may be deeper than Go's.
func hasCycle[T any](c Column[T]) bool {
	var todo []visit
	for i := 0; i < c.n; i++ {
		todo = append(todo, visit{value: reflect.ValueOf(c.At(i)).Elem()})
	}
	inside := map[reference]bool{} // true: being checked; false: done
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if next.leave != nil {
			inside[*next.leave] = false
			continue
		}
		if at, ok := referenceOf(next.value); ok {
			open, seen := inside[at]
			if open {
				return true
			}
			if seen {
				continue
			}
			inside[at] = true
			todo = append(todo, visit{leave: &at})
		}
		eachInner(next.value, func(inner reflect.Value) { todo = append(todo, visit{value: inner}) })
	}
	return false
}

func referenceOf(v reflect.Value) (reference, bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map:
		return reference{v.UnsafePointer(), 0, v.Type()}, !v.IsNil()
	case reflect.Slice:
		return reference{v.UnsafePointer(), v.Len(), v.Type()}, v.Len() > 0
	}
	return reference{}, false
}

// eachInner calls found with each value directly within v that may contain others.
func eachInner(v reflect.Value, found func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			found(v.Elem())
		}
	case reflect.Interface:
		if t := v.Type(); (isUnion(t) || t.NumMethod() == 0) && !v.IsNil() && holdsOthers(v.Elem().Type()) {
			found(v.Elem())
		}
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			if holdsOthers(v.Type().Field(i).Type) {
				found(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := 0; i < v.Len() && holdsOthers(v.Type().Elem()); i++ {
			found(v.Index(i))
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			found(entries.Value())
		}
	}
}

// isUnion tells unions, which are values, from interfaces of the contract, which are objects: a union is sealed by a
// method that is not exported.
func isUnion(t reflect.Type) bool { return t.NumMethod() == 1 && !t.Method(0).IsExported() }

func holdsOthers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice, reflect.Map:
		return t != timeType // whose fields are private
	}
	return false
}
