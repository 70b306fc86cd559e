/// Which predictions of one scan are compared.
package enum MemberRequest: Sendable {
  /// Those that a prediction averages: networks and mirror images, each by itself.
  case every
  /// Each network with its dropout drawn by each of the seeds, without mirror images.
  case samples(seeds: [UInt64])
}

/// One of several predictions of a scan, whose spread says how sure a model is.
package struct PredictionMember: Sendable {
  /// What sets it apart, such as "mirrored rows".
  package var name: String
  /// Its share in the mean of the probabilities; those of all members together are 1.
  package var share: Double
  /// Makes the predictor, whose memory goes with it.
  package let predictor: @Sendable () -> any ScanPredictor

  /// Creates a member.
  /// - Parameters:
  ///   - name: What sets it apart.
  ///   - share: Its share in the mean.
  ///   - predictor: Makes the predictor.
  package init(
    name: String,
    share: Double = 1,
    predictor: @escaping @Sendable () -> any ScanPredictor
  ) {
    self.name = name
    self.share = share
    self.predictor = predictor
  }
}

extension ScanPredictor {
  /// One member that is the predictor itself, and no samples.
  package func members(_ request: MemberRequest) -> [PredictionMember] {
    switch request {
    case .every: [PredictionMember(name: "as it is") { self }]
    case .samples: []
    }
  }
}

extension [PredictionMember] {
  /// The members with equal shares.
  var equallyShared: [PredictionMember] { shared(1 / Double(Swift.max(1, count))) }

  /// The members with a name before theirs, if there is one, and a share of the shares.
  func shared(_ share: Double, within name: String? = nil) -> [PredictionMember] {
    map { member in
      var member = member
      member.share *= share
      if let name { member.name = name + ", " + member.name }
      return member
    }
  }
}
