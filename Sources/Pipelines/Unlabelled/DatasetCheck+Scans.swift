import Support

extension DatasetCheck {
  /// Reads every scan of a data set without labels, and gives those without a fault to a visitor.
  static func checkScans(
    _ dataset: SegmentationDataset,
    progress: any ProgressReporter,
    interruption: Interruption,
    visit: (LoadedCase) -> Void
  ) throws -> DatasetCheck {
    let (loaded, faults) = try UnlabelledScans.read(
      dataset.cases,
      asPictures: dataset.isPictures,
      progress: progress,
      interruption: interruption
    )
    var collector = FingerprintCollector()
    for entry in loaded {
      collector.add(entry, labels: [])
      visit(entry)
    }
    return DatasetCheck(
      findings: faults.map {
        DatasetFinding(
          .unreadable,
          nil,
          fault: true,
          $0,
          remedy: "obtain the file again, or take the scan out"
        )
      },
      copies: [],
      fingerprint: collector.fingerprint(labels: [])
    )
  }
}
