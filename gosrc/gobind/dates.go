package gobind

import "time"

// Dates, times of day and points in time without a zone. Python has no nanoseconds: they are cut off to microseconds.

// readEach reads a block of values that travel as numbers, which of converts.
func readEach[N int32 | int64, T any](r *Reader, c Column[T], of func(N) T) {
	numbers := make([]N, c.n)
	ReadNumbers(r, ColumnOf(numbers))
	for i := 0; i < c.n && r.err == nil; i++ {
		*c.At(i) = of(numbers[i])
	}
}

// writeEach writes a block of values that travel as numbers, which of returns.
func writeEach[N int32 | int64, T any](w *Writer, c Column[T], of func(T) N) {
	numbers := make([]N, c.n)
	for i := range numbers {
		numbers[i] = of(*c.At(i))
	}
	WriteNumbers(w, ColumnOf(numbers))
}

// ReadDates reads a block of dates.
func ReadDates(r *Reader, c Column[time.Time]) { readEach(r, c, r.Date) }

// Date reads a date of the record, which is a number of days since 1970: midnight in UTC.
func (r *Reader) Date(days int32) time.Time {
	seconds := int64(days) * day
	if seconds < firstSecond || seconds > lastSecond {
		r.refuse("date %d is out of range", days)
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// WriteDates writes a block of dates.
func WriteDates(w *Writer, c Column[time.Time]) { writeEach(w, c, w.Date) }

// Date writes a date of the record. The time must be midnight where it is: a clock would be lost.
func (w *Writer) Date(t time.Time) int32 {
	_, offset := t.Zone()
	local := t.Unix() + int64(offset)
	switch {
	case local < firstSecond || local > lastSecond:
		w.fail("the year of a date must be 1 to 9999, got %d", t.Year())
	case local%day != 0 || t.Nanosecond() != 0:
		w.fail("Go's time %v is not a date: its clock is not 0", t.Round(0))
	default:
		return int32(local / day)
	}
	return 0
}

// ReadClocks reads a block of times of day.
func ReadClocks(r *Reader, c Column[time.Duration]) { readEach(r, c, r.Clock) }

// Clock reads a time of day of the record, which is a number of microseconds: the duration since midnight.
func (r *Reader) Clock(micros int64) time.Duration {
	if micros < 0 || micros >= day*1e6 {
		r.refuse("a time of day of %d microseconds is out of range", micros)
		return 0
	}
	return time.Duration(micros) * time.Microsecond
}

// WriteClocks writes a block of times of day.
func WriteClocks(w *Writer, c Column[time.Duration]) { writeEach(w, c, w.Clock) }

// Clock writes a time of day of the record.
func (w *Writer) Clock(d time.Duration) int64 {
	if d < 0 || d >= day*time.Second {
		w.fail("Go's duration %v is not a time of day: it must be at least 0 and less than 24h", d)
		return 0
	}
	return d.Microseconds()
}

// ReadNaives reads a block of points in time without a zone.
func ReadNaives(r *Reader, c Column[time.Time]) { readEach(r, c, r.Naive) }

// Naive reads a point in time without a zone: the wall clock of a time in UTC.
func (r *Reader) Naive(micros int64) time.Time { return r.time(micros, 0, time.UTC) }

// WriteNaives writes a block of points in time without a zone.
func WriteNaives(w *Writer, c Column[time.Time]) { writeEach(w, c, w.Naive) }

// Naive writes a point in time without a zone. An offset would be lost.
func (w *Writer) Naive(t time.Time) int64 {
	if _, offset := t.Zone(); offset != 0 {
		w.fail("Go's time %v has a UTC offset, which a naive datetime cannot hold: "+
			"return its UTC(), or annotate datetime", t.Round(0))
		return 0
	}
	return w.Time(t).Micros
}
