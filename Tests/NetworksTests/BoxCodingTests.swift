import Networks
import Testing

struct BoxCodingTests {
  @Test func boxesComeBackFromTheirShifts() {
    let (box, other): (SIMD4<Float>, SIMD4<Float>) = ([10, 20, 50, 40], [12, 10, 32, 50])
    let shifts = BoxCoding.regions.shifts(of: box, from: other)
    // The middle moves by 8 of 20 and by 0 of 40, the sides grow by 2 and by 1/2; the factors are 10 and 5.
    #expect(abs(shifts.x - 4) < 1e-5 && abs(shifts.y) < 1e-5)
    #expect(abs(shifts.z - 5 * 0.693147) < 1e-4 && abs(shifts.w + 5 * 0.693147) < 1e-4)
    let again = BoxCoding.regions.box(shifts, from: other)
    for side in 0..<4 { #expect(abs(again[side] - box[side]) < 1e-4) }
    // Growth has a limit of 1000/16.
    let wide = BoxCoding.anchors.box([0, 0, 1e9, 0], from: [0, 0, 2, 2])
    #expect(abs(wide.z - wide.x - 125) < 1e-2 && wide.w - wide.y == 2)
  }
}
