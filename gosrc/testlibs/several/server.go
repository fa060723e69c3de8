// Three interfaces in one package, and two more packages with contracts of their own.
package main

import (
	"context"

	_ "gosrc/testlibs/several/clock"
	_ "gosrc/testlibs/several/sums"
)

type base string

func (b base) Where(context.Context) (string, error) { return string(b), nil }

func (b base) Shared(_ context.Context, child *Child) (Child, error) {
	child.Name += " of " + string(b)
	return *child, nil
}

type left struct{ base }

func (left) Left(_ context.Context, children []Child) ([]Named, error) {
	var names []Named
	for _, child := range children {
		names = append(names, Named{Name: child.Name, Inner: child.Inner})
	}
	return names, nil
}

type right struct{ base }

func (right) Right(_ context.Context, named *Named) (Child, error) {
	return Child{Name: named.Name, Inner: named.Inner, Shade: ShadeDark}, nil
}

func init() {
	RegisterBase(base("base"))
	RegisterLeft(left{"left"})
	RegisterRight(right{"right"})
}
