import Imaging

/// A linear transform as numbers that all move the image's outer parts by about as many mm.
protocol LinearParameters: LinearTransform {
  /// The numbers; `radius` is the distance of the outer parts from the centre, mm.
  func parameters(radius: Double) -> [Double]
  /// The transform of other numbers.
  func with(_ parameters: [Double], radius: Double) -> Self
  /// The derivatives by the numbers of a cost whose derivatives by matrix and shift are known.
  func gradient(_ value: LinearProblem.Value, radius: Double) -> [Double]
}

extension RigidTransform: LinearParameters {
  func parameters(radius: Double) -> [Double] {
    (0..<3).map { rotation[$0] * radius } + (0..<3).map { translation[$0] }
  }

  func with(_ parameters: [Double], radius: Double) -> RigidTransform {
    RigidTransform(
      center: center,
      rotation: SIMD3(parameters[0], parameters[1], parameters[2]) / radius,
      translation: SIMD3(parameters[3], parameters[4], parameters[5])
    )
  }

  func gradient(_ value: LinearProblem.Value, radius: Double) -> [Double] {
    let angles = matrixDerivatives.map { turn in
      (0..<3).reduce(0) { $0 + dot(turn.columns[$1], value.matrix.columns[$1]) } / radius
    }
    return angles + (0..<3).map { value.translation[$0] }
  }
}

extension AffineTransform: LinearParameters {
  func parameters(radius: Double) -> [Double] {
    (0..<9).map { matrix.columns[$0 / 3][$0 % 3] * radius } + (0..<3).map { translation[$0] }
  }

  func with(_ parameters: [Double], radius: Double) -> AffineTransform {
    func column(_ first: Int) -> SIMD3<Double> {
      SIMD3(parameters[first], parameters[first + 1], parameters[first + 2]) / radius
    }
    return AffineTransform(
      center: center,
      matrix: Matrix3(column(0), column(3), column(6)),
      translation: SIMD3(parameters[9], parameters[10], parameters[11])
    )
  }

  func gradient(_ value: LinearProblem.Value, radius: Double) -> [Double] {
    (0..<9).map { value.matrix.columns[$0 / 3][$0 % 3] / radius }
      + (0..<3).map { value.translation[$0] }
  }
}
