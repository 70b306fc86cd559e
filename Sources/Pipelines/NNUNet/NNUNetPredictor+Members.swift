extension NNUNetPredictor {
  package func members(_ request: MemberRequest) -> [PredictionMember] {
    networks.enumerated().flatMap { index, network in
      members(request, of: network)
        .shared(
          1 / Double(networks.count),
          within: networks.count > 1 ? "network \(index + 1)" : nil
        )
    }
  }

  private func members(
    _ request: MemberRequest,
    of network: ScoringNetwork
  ) -> [PredictionMember] {
    @Sendable func predictor(_ network: ScoringNetwork, _ axes: [Int]) -> NNUNetPredictor {
      var own = options
      own.onlyMirroring = axes
      return NNUNetPredictor(
        plan: plan,
        networks: [network],
        labels: labels,
        options: own,
        previous: previous
      )
    }
    switch request {
    case .every:
      let axes = options.usesMirroring ? plan.mirrorAxes : []
      return TileScorer.mirrorings(over: axes).map { axes in
        let names = axes.map(String.init).joined(separator: " and ")
        return PredictionMember(
          name: axes.isEmpty ? "as it is" : "mirrored along axis \(names)"
        ) { predictor(network, axes) }
      }.equallyShared
    case .samples(let seeds):
      return seeds.enumerated().map { number, seed in
        PredictionMember(name: "sample \(number + 1)") {
          predictor(network.sampled(seed: seed), [])
        }
      }.equallyShared
    }
  }
}
