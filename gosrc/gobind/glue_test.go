package gobind

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"
	"unsafe"
)

// What follows is written by hand the way generated code is, so that the runtime is tested without a generator.

type user struct {
	ID   uint32
	Name string
	Age  uint8
}

func readUser(r *Reader, c Column[user]) {
	ReadNumbers(r, Field(c, &c.At(0).ID))
	ReadStrings(r, Field(c, &c.At(0).Name))
	ReadNumbers(r, Field(c, &c.At(0).Age))
}

func writeUser(w *Writer, c Column[user]) {
	WriteNumbers(w, Field(c, &c.At(0).ID))
	WriteStrings(w, Field(c, &c.At(0).Name))
	WriteNumbers(w, Field(c, &c.At(0).Age))
}

type tree struct {
	Value  int
	List   []tree
	Map    map[string]tree
	Parent *tree
}

func readTree(r *Reader, c Column[tree]) { ReadLater(r, c, 25, readTreeFields) }

func readTreeFields(r *Reader, c Column[tree]) {
	ReadNumbers(r, Field(c, &c.At(0).Value))
	readTrees(r, Field(c, &c.At(0).List))
	ReadMaps(r, Field(c, &c.At(0).Map), 26, ReadStrings[string], readTree)
	ReadOptionals(r, Field(c, &c.At(0).Parent), 25, readTree)
}

func readTrees(r *Reader, c Column[[]tree]) { ReadLists(r, c, 25, readTree) }

func writeTree(w *Writer, c Column[tree]) { WriteLater(w, c, writeTreeFields) }

func writeTreeFields(w *Writer, c Column[tree]) {
	WriteNumbers(w, Field(c, &c.At(0).Value))
	WriteLists(w, Field(c, &c.At(0).List), writeTree)
	WriteMaps(w, Field(c, &c.At(0).Map), WriteStrings[string], writeTree)
	WriteOptionals(w, Field(c, &c.At(0).Parent), writeTree)
}

type shape interface{ isShape() }

func (user) isShape() {}
func (tree) isShape() {}

func readShapes(r *Reader, c Column[shape]) { readShapeOptions(r, ReadTags(r, c.Len(), 2), c) }

func readShapeOptions(r *Reader, tags []byte, c Column[shape]) {
	ReadOption(r, tags, 0, c, 6, readUser)
	ReadOption(r, tags, 1, c, 25, readTree)
}

func writeShapes(w *Writer, c Column[shape]) { writeShapeOptions(w, WriteTags(w, c, tagShape), c) }

func writeShapeOptions(w *Writer, tags []byte, c Column[shape]) {
	WriteOption(w, tags, 0, c, writeUser)
	WriteOption(w, tags, 1, c, writeTree)
}

func tagShape(v shape) int {
	switch v := v.(type) {
	case user:
		return 0
	case *user:
		if v != nil {
			return 0
		}
	case tree:
		return 1
	case *tree:
		if v != nil {
			return 1
		}
	}
	return -1
}

// everything has a field for each function of the runtime.
type everything struct {
	Flag   bool
	Number float64
	Text   string
	Bytes  []byte
	When   time.Time
	Maybe  *string
	List   []int16
	Set    map[uint8]struct{}
	Map    map[float64]bool
	Shape  shape
	Tree   tree
	Rows   []row
	Empty  []struct{}
	Users  []user
}

type row struct {
	Flag  bool
	Names []string
	Blobs [][]byte
	When  time.Time
	Maybe *user
	Set   map[string]struct{}
	ID    [16]byte
	Shape shape
	Day   time.Time
	Clock time.Duration
	Wall  time.Time
	Price string
	Count *big.Int
}

type mirrorTree struct {
	Value  int
	List   Ref
	Map    Ref
	Parent uint64
}

type mirrorEverything struct {
	Flag   byte
	Number float64
	Text   Ref
	Bytes  Ref
	When   Time
	Maybe  uint64
	List   Ref
	Set    Ref
	Map    Ref
	Shape  Tag
	Tree   mirrorTree
	Rows   Ref
	Empty  Ref
	Users  Ref
}

func readRow(r *Reader, c Column[row]) {
	ReadBools(r, Field(c, &c.At(0).Flag))
	ReadLists(r, Field(c, &c.At(0).Names), 1, ReadStrings[string])
	ReadLists(r, Field(c, &c.At(0).Blobs), 8, ReadBytes)
	ReadTimes(r, Field(c, &c.At(0).When))
	ReadOptionals(r, Field(c, &c.At(0).Maybe), 6, readUser)
	ReadSets(r, Field(c, &c.At(0).Set), 1, ReadStrings[string])
	ReadNumbers(r, Field(c, &c.At(0).ID))
	readShapes(r, Field(c, &c.At(0).Shape))
	ReadDates(r, Field(c, &c.At(0).Day))
	ReadClocks(r, Field(c, &c.At(0).Clock))
	ReadNaives(r, Field(c, &c.At(0).Wall))
	ReadDecimals(r, Field(c, &c.At(0).Price))
	ReadBigInts(r, Field(c, &c.At(0).Count))
}

func writeRow(w *Writer, c Column[row]) {
	WriteBools(w, Field(c, &c.At(0).Flag))
	WriteLists(w, Field(c, &c.At(0).Names), WriteStrings[string])
	WriteLists(w, Field(c, &c.At(0).Blobs), WriteBytes)
	WriteTimes(w, Field(c, &c.At(0).When))
	WriteOptionals(w, Field(c, &c.At(0).Maybe), writeUser)
	WriteSets(w, Field(c, &c.At(0).Set), WriteStrings[string])
	WriteNumbers(w, Field(c, &c.At(0).ID))
	w.At("row.shape")
	writeShapes(w, Field(c, &c.At(0).Shape))
	WriteDates(w, Field(c, &c.At(0).Day))
	WriteClocks(w, Field(c, &c.At(0).Clock))
	WriteNaives(w, Field(c, &c.At(0).Wall))
	WriteDecimals(w, Field(c, &c.At(0).Price))
	WriteBigInts(w, Field(c, &c.At(0).Count))
}

func readEverything(r *Reader, m *mirrorEverything, v *everything) {
	v.Flag = r.Bool(m.Flag)
	v.Number = m.Number
	v.Text = r.String(m.Text)
	v.Bytes = r.Bytes(m.Bytes)
	v.When = r.Time(m.When)
	ReadOptional(r, m.Maybe, &v.Maybe, 1, ReadStrings[string])
	ReadList(r, m.List, &v.List, 2, ReadNumbers[int16])
	ReadSet(r, m.Set, &v.Set, 1, ReadNumbers[uint8])
	ReadMap(r, m.Map, &v.Map, 9, ReadNumbers[float64], ReadBools)
	readShapeOptions(r, ReadTag(r, m.Shape, 2), One(&v.Shape))
	readTreeRecord(r, &m.Tree, &v.Tree)
	ReadList(r, m.Rows, &v.Rows, 89, readRow)
	ReadList(r, m.Empty, &v.Empty, 1, func(r *Reader, c Column[struct{}]) { ReadEmpty(r, c.Len()) })
	ReadList(r, m.Users, &v.Users, 6, readUser)
}

func readTreeRecord(r *Reader, m *mirrorTree, v *tree) {
	v.Value = m.Value
	ReadList(r, m.List, &v.List, 25, readTree)
	ReadMap(r, m.Map, &v.Map, 26, ReadStrings[string], readTree)
	ReadOptional(r, m.Parent, &v.Parent, 25, readTree)
}

func writeEverything(w *Writer, m *mirrorEverything, v *everything) {
	m.Flag = w.Bool(v.Flag)
	m.Number = v.Number
	m.Text = w.String(v.Text)
	m.Bytes = w.Bytes(v.Bytes)
	w.At("everything.when")
	m.When = w.Time(v.When)
	m.Maybe = WriteOptional(w, v.Maybe, WriteStrings[string])
	m.List = WriteList(w, v.List, WriteNumbers[int16])
	m.Set = WriteSet(w, v.Set, WriteNumbers[uint8])
	m.Map = WriteMap(w, v.Map, WriteNumbers[float64], WriteBools)
	w.At("everything.shape")
	writeShapeOptions(w, WriteTag(w, &m.Shape, v.Shape, tagShape), One(&v.Shape))
	writeTreeRecord(w, &m.Tree, &v.Tree)
	m.Rows = WriteList(w, v.Rows, writeRow)
	m.Empty = WriteList(w, v.Empty, func(w *Writer, c Column[struct{}]) { WriteEmpty(w, c.Len()) })
	m.Users = WriteList(w, v.Users, writeUser)
}

func writeTreeRecord(w *Writer, m *mirrorTree, v *tree) {
	m.Value = v.Value
	m.List = WriteList(w, v.List, writeTree)
	m.Map = WriteMap(w, v.Map, WriteStrings[string], writeTree)
	m.Parent = WriteOptional(w, v.Parent, writeTree)
}

// service is the interface of the tests.
type service interface {
	Ping(ctx context.Context, n int) (int, error)
	Echo(ctx context.Context, v *everything) (everything, error)
	Login(ctx context.Context, u *user, password string) (user, error)
	Buffer(ctx context.Context, b []byte) ([]byte, error)
}

type notFound struct{ Key string }

func (e notFound) Error() string { return ErrorText("NotFound", "key", e.Key) }

type server struct {
	fail   func(ctx context.Context) error
	result []byte // of Buffer; nil: its argument
}

func (s *server) Ping(ctx context.Context, n int) (int, error) {
	if s.fail != nil {
		return 0, s.fail(ctx)
	}
	return n, nil
}

func (s *server) Echo(_ context.Context, v *everything) (everything, error) { return *v, nil }

func (s *server) Login(_ context.Context, u *user, password string) (user, error) {
	if password != "secret" {
		return user{}, errors.New("wrong password")
	}
	return *u, nil
}

func (s *server) Buffer(_ context.Context, b []byte) ([]byte, error) {
	if s.result != nil {
		return s.result, nil
	}
	return b, nil
}

const (
	ping = iota
	echo
	login
	buffer
	missing
)

var (
	testServer  = &server{}
	serviceRoot = NewRoot[service]("Service", "RegisterService")
	missingRoot = NewRoot[service]("Missing", "RegisterMissing")
)

func handlePing(c *Call) {
	impl, m, ok := Begin[int](c, serviceRoot)
	if !ok {
		return
	}
	n := *m
	if !c.Decoded() {
		return
	}
	result, err := impl.Ping(c.Context(), n)
	if !c.Failed(err) {
		c.Return(int64(result))
	}
}

func handleEcho(c *Call) {
	impl, m, ok := Begin[mirrorEverything](c, serviceRoot)
	if !ok {
		return
	}
	var v everything
	readEverything(&c.In, m, &v)
	if !c.Decoded() {
		return
	}
	c.Go(func() {
		result, err := impl.Echo(c.Context(), &v)
		if !c.Failed(err) {
			Respond(c, &result, writeEverything)
		}
	})
}

type mirrorUser struct {
	ID   uint32
	Name Ref
	Age  uint8
}

type mirrorLogin struct {
	User     mirrorUser
	Password Ref
}

func handleLogin(c *Call) {
	impl, m, ok := Begin[mirrorLogin](c, serviceRoot)
	if !ok {
		return
	}
	u := user{ID: m.User.ID, Name: c.In.String(m.User.Name), Age: m.User.Age}
	password := c.In.String(m.Password)
	if !c.Decoded() {
		return
	}
	result, err := impl.Login(c.Context(), &u, password)
	if !c.Failed(err) {
		Respond(c, &result, func(w *Writer, m *mirrorUser, v *user) {
			m.ID, m.Name, m.Age = v.ID, w.String(v.Name), v.Age
		})
	}
}

func handleBuffer(c *Call) {
	impl, m, ok := Begin[Ref](c, serviceRoot)
	if !ok {
		return
	}
	b := ReadBuffer[byte](&c.In, *m)
	if !c.Decoded() {
		return
	}
	result, err := impl.Buffer(c.Context(), b)
	if !c.Failed(err) {
		Respond(c, &result, func(w *Writer, m *Ref, v *[]byte) { *m = WriteBuffer(w, *v) })
	}
}

func handleMissing(c *Call) {
	if _, _, ok := Begin[struct{}](c, missingRoot); ok && c.Decoded() {
		panic("there is no implementation")
	}
}

func init() {
	c := NewContract("tests", "gobind", "# nothing")
	i := NewInterface(c, "0123", serviceRoot)
	i.Method("ping", unsafe.Sizeof(int(0)), handlePing)
	i.Method("echo", unsafe.Sizeof(mirrorEverything{}), handleEcho)
	i.Method("login", unsafe.Sizeof(mirrorLogin{}), handleLogin)
	i.Method("buffer", unsafe.Sizeof(Ref{}), handleBuffer)
	NewInterface(c, "4567", missingRoot).Method("missing", 0, handleMissing)
	c.Error(ErrorOf("NotFound", "89ab", func(w *Writer, c Column[notFound]) {
		WriteStrings(w, Field(c, &c.At(0).Key))
	}, func(r *Reader, c Column[notFound]) {
		ReadStrings(r, Field(c, &c.At(0).Key))
	}))
	c.Layout("user", unsafe.Sizeof(mirrorUser{}), unsafe.Offsetof(mirrorUser{}.Name))
	serviceRoot.Set(testServer)
}

// sample is a value with something in every field.
func sample() everything {
	text := "maybe"
	leaf := tree{Value: 1, List: []tree{}, Map: map[string]tree{}}
	branch := tree{2, []tree{leaf, leaf}, map[string]tree{"": leaf, "b": leaf}, &leaf}
	ann := user{1, "Ann", 30}
	when := time.Date(2024, 2, 29, 12, 0, 0, 123456000, time.FixedZone("", 19800))
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	one := row{true, []string{"a", "", "ü"}, [][]byte{{}, {0, 1}}, when, &ann, map[string]struct{}{"x": {}}, [16]byte{9}, &ann,
		first, time.Hour, first, "-0.50", big.NewInt(-129)}
	two := row{false, []string{}, [][]byte{}, first, nil, map[string]struct{}{}, [16]byte{}, &branch,
		time.Unix(-day, 0).UTC(), 0, time.Unix(0, 1000).UTC(), "1E+3", new(big.Int).Lsh(big.NewInt(1), 200)}
	return everything{
		Flag: true, Number: 1.5, Text: "nul\x00 and ü", Bytes: []byte{1, 2, 3}, When: when, Maybe: &text,
		List: []int16{-1, 2}, Set: map[uint8]struct{}{7: {}}, Map: map[float64]bool{0.5: true, 2: false},
		Shape: &branch, Tree: branch, Rows: []row{one, two}, Empty: make([]struct{}, 3),
		Users: []user{ann, {2, "with\x00nul", 3}},
	}
}

// encode is a value as the segments of a frame, behind buffer's memory if it fits.
func encode(v *everything) ([]byte, error) {
	var w Writer
	w.reset(nil)
	w.place = "encode"
	writeRecord(&w, v, writeEverything)
	var all []byte
	for _, segment := range w.frame() {
		all = append(all, segment...)
	}
	return all, w.err
}

// decode is the value in a frame.
func decode(segments ...[]byte) (everything, error) {
	var v everything
	r := NewReader(segments...)
	m := overlay[mirrorEverything](r)
	if m != nil {
		readEverything(r, m, &v)
	}
	return v, r.Close()
}

func problem(got, want any) string { return fmt.Sprintf("\n got %+v\nwant %+v", got, want) }
