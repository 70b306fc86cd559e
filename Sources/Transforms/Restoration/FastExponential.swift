/// e^−x for x ≥ 0 in single precision, in a form that compilers turn into vector instructions.
///
/// 2^n · 2^f with n whole and |f| ≤ ½; the polynomial is the Taylor series of 2^f to the sixth power.
/// The relative error is below 2 · 10^−7 plus that of rounding x; beyond 87 the result is e^−87.
@inline(__always)
func exponentialDecay(_ x: Float) -> Float {
  let limited: Float = x < 87 ? x : 87
  let power = limited * -1.442_695_04
  // Adding 1.5 · 2^23 rounds to a whole number, which then stands in the lowest bits.
  let rounded = power + 12_582_912
  let f = power - (rounded - 12_582_912)
  let scale = Float(bitPattern: (rounded.bitPattern &<< 23) &+ 0x3F80_0000)
  var sum: Float = 1.540_353_0e-4
  sum = sum * f + 1.333_355_8e-3
  sum = sum * f + 9.618_129_1e-3
  sum = sum * f + 5.550_410_9e-2
  sum = sum * f + 0.240_226_507
  sum = sum * f + 0.693_147_181
  return (sum * f + 1) * scale
}
