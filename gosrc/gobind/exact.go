package gobind

import "math/big"

// Exact numbers: decimal ones, which are text in Go as in a frame, and integers of any size.

// ReadDecimals reads a block of decimal numbers.
func ReadDecimals[S ~string](r *Reader, c Column[S]) {
	ReadStrings(r, c)
	for i := 0; i < c.n && r.err == nil; i++ {
		r.checkDecimal(string(*c.At(i)))
	}
}

// Decimal reads a decimal number of the record: the text of a json.Number.
func (r *Reader) Decimal(ref Ref) string {
	text := r.String(ref)
	if r.err == nil {
		r.checkDecimal(text)
	}
	return text
}

func (r *Reader) checkDecimal(text string) {
	if !isNumber(text) {
		r.refuse("%q is not a number in JSON's notation", shortened(text))
	}
}

// WriteDecimals writes a block of decimal numbers.
func WriteDecimals[S ~string](w *Writer, c Column[S]) {
	for i := 0; i < c.n; i++ {
		w.checkDecimal(string(*c.At(i)))
	}
	WriteStrings(w, c)
}

// Decimal writes a decimal number of the record.
func (w *Writer) Decimal(text string) Ref {
	w.checkDecimal(text)
	return w.String(text)
}

func (w *Writer) checkDecimal(text string) {
	if !isNumber(text) {
		w.fail("json.Number(%q) is not a number in JSON's notation", shortened(text))
	}
}

// shortened returns the beginning of a text, for messages.
func shortened(text string) string {
	if len(text) > 100 {
		return text[:100] + " ..."
	}
	return text
}

// isNumber reports whether text is a number in JSON's notation: -0, 1.50, 2E+3, but neither +1, .5, 1. nor NaN.
func isNumber(text string) bool {
	if text != "" && text[0] == '-' {
		text = text[1:]
	}
	whole := digits(text)
	if whole == 0 || whole > 1 && text[0] == '0' {
		return false
	}
	text = text[whole:]
	if text != "" && text[0] == '.' {
		n := digits(text[1:])
		if n == 0 {
			return false
		}
		text = text[1+n:]
	}
	if text != "" && (text[0] == 'e' || text[0] == 'E') {
		text = text[1:]
		if text != "" && (text[0] == '+' || text[0] == '-') {
			text = text[1:]
		}
		n := digits(text)
		return n > 0 && n == len(text)
	}
	return text == ""
}

// digits returns how many digits text begins with.
func digits(text string) int {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}

// ReadBigInts reads a block of integers of any size.
func ReadBigInts(r *Reader, c Column[*big.Int]) {
	lengths, total := r.lengths(c.n, 1)
	if lengths == nil {
		return
	}
	all := r.take(total)
	for i := 0; i < c.n && r.err == nil; i++ {
		n := lengthAt(lengths, i)
		*c.At(i) = bigOf(all[:n])
		all = all[n:]
	}
}

// BigInt reads an integer of any size of the record.
func (r *Reader) BigInt(ref Ref) *big.Int { return bigOf(r.take(r.count(ref.Len, 1))) }

// bigOf returns the integer that b is in two's complement, the first byte being the highest.
func bigOf(b []byte) *big.Int {
	n := new(big.Int)
	if len(b) == 0 || b[0] < 0x80 {
		return n.SetBytes(b)
	}
	return n.Not(n.SetBytes(inverted(b)))
}

// inverted returns b with each bit changed.
func inverted(b []byte) []byte {
	made := make([]byte, len(b))
	for i, each := range b {
		made[i] = ^each
	}
	return made
}

// WriteBigInts writes a block of integers of any size.
func WriteBigInts(w *Writer, c Column[*big.Int]) {
	made := make([][]byte, c.n)
	for i := range made {
		made[i] = w.complement(*c.At(i))
	}
	WriteBytes(w, ColumnOf(made))
}

// BigInt writes an integer of any size of the record.
func (w *Writer) BigInt(n *big.Int) Ref { return w.Bytes(w.complement(n)) }

// complement returns an integer in two's complement, the highest byte first, which has the sign.
func (w *Writer) complement(n *big.Int) []byte {
	if n == nil {
		w.fail("expected a *big.Int, got nil")
		return nil
	}
	return complementOf(n)
}

func complementOf(n *big.Int) []byte {
	if n.Sign() >= 0 {
		return n.FillBytes(make([]byte, n.BitLen()/8+1))
	}
	least := new(big.Int).Not(n)
	return inverted(least.FillBytes(make([]byte, least.BitLen()/8+1)))
}
