// Each method gives back what it got.
package main

import (
	"context"
	"time"
)

type echo struct{}

func init() { RegisterEcho(echo{}) }

func (echo) EchoBool(_ context.Context, value bool) (bool, error) {
	return value, nil
}

func (echo) EchoInt(_ context.Context, value int) (int, error) {
	return value, nil
}

func (echo) EchoFloat(_ context.Context, value float64) (float64, error) {
	return value, nil
}

func (echo) EchoI8(_ context.Context, value int8) (int8, error) {
	return value, nil
}

func (echo) EchoI16(_ context.Context, value int16) (int16, error) {
	return value, nil
}

func (echo) EchoI32(_ context.Context, value int32) (int32, error) {
	return value, nil
}

func (echo) EchoI64(_ context.Context, value int64) (int64, error) {
	return value, nil
}

func (echo) EchoU8(_ context.Context, value uint8) (uint8, error) {
	return value, nil
}

func (echo) EchoU16(_ context.Context, value uint16) (uint16, error) {
	return value, nil
}

func (echo) EchoU32(_ context.Context, value uint32) (uint32, error) {
	return value, nil
}

func (echo) EchoU64(_ context.Context, value uint64) (uint64, error) {
	return value, nil
}

func (echo) EchoF32(_ context.Context, value float32) (float32, error) {
	return value, nil
}

func (echo) EchoF64(_ context.Context, value float64) (float64, error) {
	return value, nil
}

func (echo) EchoStr(_ context.Context, value string) (string, error) {
	return value, nil
}

func (echo) EchoBytes(_ context.Context, value []byte) ([]byte, error) {
	return value, nil
}

func (echo) EchoDatetime(_ context.Context, value time.Time) (time.Time, error) {
	return value, nil
}

func (echo) EchoTimedelta(_ context.Context, value time.Duration) (time.Duration, error) {
	return value, nil
}

func (echo) EchoUUID(_ context.Context, value [16]byte) ([16]byte, error) {
	return value, nil
}

func (echo) EchoComplex(_ context.Context, value complex128) (complex128, error) {
	return value, nil
}

func (echo) EchoColor(_ context.Context, value Color) (Color, error) {
	return value, nil
}

func (echo) EchoLevel(_ context.Context, value Level) (Level, error) {
	return value, nil
}

func (echo) EchoAccess(_ context.Context, value Access) (Access, error) {
	return value, nil
}

func (echo) EchoStrict(_ context.Context, value Strict) (Strict, error) {
	return value, nil
}

func (echo) EchoMood(_ context.Context, value Mood) (Mood, error) {
	return value, nil
}

func (echo) EchoKey(_ context.Context, value string) (string, error) {
	return value, nil
}

func (echo) EchoSmall(_ context.Context, value uint8) (uint8, error) {
	return value, nil
}

func (echo) EchoBools(_ context.Context, value []bool) ([]bool, error) {
	return value, nil
}

func (echo) EchoInts(_ context.Context, value []int) ([]int, error) {
	return value, nil
}

func (echo) EchoFloats(_ context.Context, value []float64) ([]float64, error) {
	return value, nil
}

func (echo) EchoI8s(_ context.Context, value []int8) ([]int8, error) {
	return value, nil
}

func (echo) EchoI16s(_ context.Context, value []int16) ([]int16, error) {
	return value, nil
}

func (echo) EchoI32s(_ context.Context, value []int32) ([]int32, error) {
	return value, nil
}

func (echo) EchoI64s(_ context.Context, value []int64) ([]int64, error) {
	return value, nil
}

func (echo) EchoU8s(_ context.Context, value []uint8) ([]uint8, error) {
	return value, nil
}

func (echo) EchoU16s(_ context.Context, value []uint16) ([]uint16, error) {
	return value, nil
}

func (echo) EchoU32s(_ context.Context, value []uint32) ([]uint32, error) {
	return value, nil
}

func (echo) EchoU64s(_ context.Context, value []uint64) ([]uint64, error) {
	return value, nil
}

func (echo) EchoF32s(_ context.Context, value []float32) ([]float32, error) {
	return value, nil
}

func (echo) EchoStrs(_ context.Context, value []string) ([]string, error) {
	return value, nil
}

func (echo) EchoBlobs(_ context.Context, value [][]byte) ([][]byte, error) {
	return value, nil
}

func (echo) EchoDatetimes(_ context.Context, value []time.Time) ([]time.Time, error) {
	return value, nil
}

func (echo) EchoTimedeltas(_ context.Context, value []time.Duration) ([]time.Duration, error) {
	return value, nil
}

func (echo) EchoUUIDs(_ context.Context, value [][16]byte) ([][16]byte, error) {
	return value, nil
}

func (echo) EchoComplexes(_ context.Context, value []complex128) ([]complex128, error) {
	return value, nil
}

func (echo) EchoColors(_ context.Context, value []Color) ([]Color, error) {
	return value, nil
}

func (echo) EchoAccesses(_ context.Context, value []Access) ([]Access, error) {
	return value, nil
}

func (echo) EchoMoods(_ context.Context, value []Mood) ([]Mood, error) {
	return value, nil
}

func (echo) EchoWords(_ context.Context, value [][]string) ([][]string, error) {
	return value, nil
}

func (echo) EchoPages(_ context.Context, value [][][]byte) ([][][]byte, error) {
	return value, nil
}

func (echo) EchoCube(_ context.Context, value [][][]int16) ([][][]int16, error) {
	return value, nil
}

func (echo) EchoSequence(_ context.Context, value []string) ([]string, error) {
	return value, nil
}

func (echo) EchoTupleOf(_ context.Context, value []uint16) ([]uint16, error) {
	return value, nil
}

func (echo) EchoTuple(_ context.Context, value TupleUint8StringFloat64) (TupleUint8StringFloat64, error) {
	return value, nil
}

func (echo) EchoNothing(_ context.Context, value Tuple0) (Tuple0, error) {
	return value, nil
}

func (echo) EchoTuples(_ context.Context, value []TupleBoolTupleStringInt64) ([]TupleBoolTupleStringInt64, error) {
	return value, nil
}

func (echo) EchoDict(_ context.Context, value map[string]int) (map[string]int, error) {
	return value, nil
}

func (echo) EchoByNumber(_ context.Context, value map[int16][]byte) (map[int16][]byte, error) {
	return value, nil
}

func (echo) EchoWaves(_ context.Context, value map[string]TupleComplexListComplex) (map[string]TupleComplexListComplex, error) {
	return value, nil
}

func (echo) EchoByTruth(_ context.Context, value map[bool]float32) (map[bool]float32, error) {
	return value, nil
}

func (echo) EchoByReal(_ context.Context, value map[float64]string) (map[float64]string, error) {
	return value, nil
}

func (echo) EchoByColor(_ context.Context, value map[Color]Mood) (map[Color]Mood, error) {
	return value, nil
}

func (echo) EchoByMood(_ context.Context, value map[Mood][]User) (map[Mood][]User, error) {
	return value, nil
}

func (echo) EchoDeep(_ context.Context, value map[string]map[int][]string) (map[string]map[int][]string, error) {
	return value, nil
}

func (echo) EchoSet(_ context.Context, value map[string]struct{}) (map[string]struct{}, error) {
	return value, nil
}

func (echo) EchoFrozenset(_ context.Context, value map[uint64]struct{}) (map[uint64]struct{}, error) {
	return value, nil
}

func (echo) EchoSets(_ context.Context, value []map[Color]struct{}) ([]map[Color]struct{}, error) {
	return value, nil
}

func (echo) EchoMaybeInt(_ context.Context, value *int) (*int, error) {
	return value, nil
}

func (echo) EchoMaybeStr(_ context.Context, value *string) (*string, error) {
	return value, nil
}

func (echo) EchoMaybeBytes(_ context.Context, value []byte) ([]byte, error) {
	return value, nil
}

func (echo) EchoMaybeList(_ context.Context, value []uint8) ([]uint8, error) {
	return value, nil
}

func (echo) EchoMaybeDict(_ context.Context, value map[string]int) (map[string]int, error) {
	return value, nil
}

func (echo) EchoMaybeLists(_ context.Context, value [][]int) ([][]int, error) {
	return value, nil
}

func (echo) EchoMaybeSets(
	_ context.Context, value map[string]TupleOptionalSetStringOptionalBytes,
) (map[string]TupleOptionalSetStringOptionalBytes, error) {
	return value, nil
}

func (echo) EchoMaybeForest(_ context.Context, value []Tree) ([]Tree, error) {
	return value, nil
}

func (echo) EchoMaybeUser(_ context.Context, value *User) (*User, error) {
	return value, nil
}

func (echo) EchoMaybeComplex(_ context.Context, value *complex128) (*complex128, error) {
	return value, nil
}

func (echo) EchoMaybes(_ context.Context, value []*string) ([]*string, error) {
	return value, nil
}

func (echo) EchoMaybeFloats(_ context.Context, value []*float64) ([]*float64, error) {
	return value, nil
}

func (echo) EchoUser(_ context.Context, value *User) (User, error) {
	return *value, nil
}

func (echo) EchoUsers(_ context.Context, value []User) ([]User, error) {
	return value, nil
}

func (echo) EchoMixed(_ context.Context, value *Mixed) (Mixed, error) {
	return *value, nil
}

func (echo) EchoMixeds(_ context.Context, value []Mixed) ([]Mixed, error) {
	return value, nil
}

func (echo) EchoEmpty(_ context.Context, value *Empty) (Empty, error) {
	return *value, nil
}

func (echo) EchoEmpties(_ context.Context, value []Empty) ([]Empty, error) {
	return value, nil
}

func (echo) EchoDerived(_ context.Context, value *Derived) (Derived, error) {
	return *value, nil
}

func (echo) EchoFrozen(_ context.Context, value *Frozen) (Frozen, error) {
	return *value, nil
}

func (echo) EchoShape(_ context.Context, value Shape) (Shape, error) {
	return value, nil
}

func (echo) EchoShapes(_ context.Context, value []Shape) ([]Shape, error) {
	return value, nil
}

func (echo) EchoMaybeShape(_ context.Context, value Shape) (Shape, error) {
	return value, nil
}

func (echo) EchoMaybeShapes(_ context.Context, value []Shape) ([]Shape, error) {
	return value, nil
}

func (echo) EchoTree(_ context.Context, value *Tree) (Tree, error) {
	return *value, nil
}

func (echo) EchoForest(_ context.Context, value []Tree) ([]Tree, error) {
	return value, nil
}

func (echo) EchoPing(_ context.Context, value *Ping) (Ping, error) {
	return *value, nil
}

func (echo) EchoTerm(_ context.Context, value *Term) (Term, error) {
	return *value, nil
}

func (echo) EchoLeaves(_ context.Context, value *Leaves) (Leaves, error) {
	return *value, nil
}

func (echo) EchoRows(_ context.Context, value []Leaves) ([]Leaves, error) {
	return value, nil
}

func (echo) EchoEverything(_ context.Context, value *Everything) (Everything, error) {
	return *value, nil
}

func (echo) EchoByValue(_ context.Context, value User) (User, error) {
	return value, nil
}

func (echo) EchoHolding(_ context.Context, value *User) (User, error) {
	return *value, nil
}

func (echo) LaterInt(_ context.Context, value int) (int, error) {
	return value, nil
}

func (echo) LaterBool(_ context.Context, value bool) (bool, error) {
	return value, nil
}

func (echo) LaterU64(_ context.Context, value uint64) (uint64, error) {
	return value, nil
}

func (echo) LaterStr(_ context.Context, value string) (string, error) {
	return value, nil
}

func (echo) LaterBytes(_ context.Context, value []byte) ([]byte, error) {
	return value, nil
}

func (echo) LaterUsers(_ context.Context, value []User) ([]User, error) {
	return value, nil
}

func (echo) LaterEverything(_ context.Context, value *Everything) (Everything, error) {
	return *value, nil
}
