/// Normalisation of equal runs of values, with a scale and shift for each of some parameters.
struct StandardizationReference: Sendable {
  /// How many neighbouring values share mean and variance.
  let groupSize: Int
  let parameterCount: Int
  let epsilon: Float
  /// The parameter of a value.
  let parameter: @Sendable (_ place: Int) -> Int

  /// v = (x − μ) / √(σ² + ε), and √(σ² + ε) of each group.
  private func standardized(_ x: Tensor) -> (values: [Double], deviations: [Double]) {
    var values = x.values.map { Double($0) }
    var deviations: [Double] = []
    for start in stride(from: 0, to: values.count, by: groupSize) {
      let group = start..<start + groupSize
      let mean = values[group].reduce(0, +) / Double(groupSize)
      let variance =
        values[group].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(groupSize)
      let deviation = (variance + Double(epsilon)).squareRoot()
      for place in group { values[place] = (values[place] - mean) / deviation }
      deviations.append(deviation)
    }
    return (values, deviations)
  }

  func run(
    _ x: Tensor,
    _ scale: Tensor?,
    _ shift: Tensor?
  ) -> (output: Tensor, gradients: @Sendable (Tensor) -> [Tensor]) {
    let (values, _) = standardized(x)
    let (gains, offsets) = (scale?.values, shift?.values)
    let ys = values.enumerated().map { place, v in
      let p = parameter(place)
      return Float(v * Double(gains?[p] ?? 1) + Double(offsets?[p] ?? 0))
    }
    return (Tensor(ys, shape: x.shape), { gradients($0, x: x, gains: gains) })
  }

  /// dx = (γ g − mean(γ g) − v mean(γ g v)) / √(σ² + ε), dγ = Σ g v, dβ = Σ g.
  private func gradients(_ gradient: Tensor, x: Tensor, gains: [Float]?) -> [Tensor] {
    let (values, deviations) = standardized(x)
    let gs = gradient.values.map { Double($0) }
    var dx = [Float](repeating: 0, count: gs.count)
    var (scale, shift) = (
      [Double](repeating: 0, count: parameterCount), [Double](repeating: 0, count: parameterCount)
    )
    for (group, start) in stride(from: 0, to: gs.count, by: groupSize).enumerated() {
      var (mean, meanProduct) = (0.0, 0.0)
      for place in start..<start + groupSize {
        let p = parameter(place)
        let inner = gs[place] * Double(gains?[p] ?? 1)
        mean += inner / Double(groupSize)
        meanProduct += inner * values[place] / Double(groupSize)
        scale[p] += gs[place] * values[place]
        shift[p] += gs[place]
      }
      for place in start..<start + groupSize {
        let inner = gs[place] * Double(gains?[parameter(place)] ?? 1)
        dx[place] = Float((inner - mean - values[place] * meanProduct) / deviations[group])
      }
    }
    return [
      Tensor(dx, shape: x.shape),
      Tensor(scale.map { Float($0) }, shape: [parameterCount]),
      Tensor(shift.map { Float($0) }, shape: [parameterCount]),
    ]
  }
}
