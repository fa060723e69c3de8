package main

import (
	"fmt"
	"math"
)

// earthRadius is the mean radius of the Earth in metres (IUGG).
const earthRadius = 6371008.8

// chordSlack is by how much squares of chords on the unit sphere may differ and the order of the distances,
// which are rounded to a millimetre, still be the other way round. It is 3 mm at a quarter of the way around the
// Earth, and more elsewhere.
const chordSlack = 1e-9

// checkPosition refuses latitudes and longitudes that there are not.
func checkPosition(place *Place) error {
	// Written so that it is false for NaN.
	if !(math.Abs(place.Latitude) <= 90) {
		return fmt.Errorf("latitude must be -90 to 90, got %v", place.Latitude)
	}
	if !(math.Abs(place.Longitude) <= 180) {
		return fmt.Errorf("longitude must be -180 to 180, got %v", place.Longitude)
	}
	return nil
}

// onSphere is the place as a point on the unit sphere. There the straight line between two points grows with
// their distance on the surface, so what is nearest by the planar index is nearest, at the poles and at the
// antimeridian too.
func onSphere(place *Place) [3]float64 {
	latitude, longitude := place.Latitude*math.Pi/180, place.Longitude*math.Pi/180
	return [3]float64{
		math.Cos(latitude) * math.Cos(longitude),
		math.Cos(latitude) * math.Sin(longitude),
		math.Sin(latitude),
	}
}

// metres is the great-circle distance to the millimetre, which hides that computers differ in the last digits.
// This formula (Kahan's) is exact for points that are close or opposite, too.
func metres(from, to *Place) float64 {
	a, b := onSphere(from), onSphere(to)
	var difference, sum float64
	for i := range a {
		difference += (a[i] - b[i]) * (a[i] - b[i])
		sum += (a[i] + b[i]) * (a[i] + b[i])
	}
	distance := 2 * earthRadius * math.Atan2(math.Sqrt(difference), math.Sqrt(sum))
	return math.Round(distance*1000) / 1000
}

// spans splits what lies from west to east where the longitudes jump. 180 and -180 are one meridian.
func spans(west, east float64) [][2]float64 {
	switch {
	case west > east:
		return [][2]float64{{west, 180}, {-180, east}}
	case east == 180 && west != -180:
		return [][2]float64{{west, 180}, {-180, -180}}
	case west == -180 && east != 180:
		return [][2]float64{{-180, east}, {180, 180}}
	}
	return [][2]float64{{west, east}}
}
