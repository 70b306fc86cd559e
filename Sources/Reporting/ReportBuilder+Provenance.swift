import Evaluation
import Support

extension ReportBuilder {
  /// Where everything on the page comes from, and how to make it again.
  func provenance(_ parts: Parts) -> ReportSection {
    var records: [(title: String, record: ProvenanceRecord)] = []
    records += parts.segmentations.map { ("Segmentation of \($0.caseID)", $0.provenance) }
    if let first = parts.linkedCases.first {
      records.append(
        (
          "Segmentation of \(first.caseID); the others' records are on their pages",
          first.provenance
        )
      )
    }
    records += parts.evaluations.compactMap { item in
      item.provenance.map { ("Evaluation: \(item.title)", $0) }
    }
    records += parts.trainings.map { ("Training of \($0.modelName)", $0.provenance) }
    guard !records.isEmpty else {
      return ReportSection(
        "Provenance",
        [.paragraph("Written by lamina \(Version.current) from result files alone.")]
      )
    }
    var blocks: [ReportBlock] = []
    for (title, record) in records {
      blocks.append(.table(facts(title, rows(record))))
    }
    return ReportSection("Provenance", blocks)
  }

  private func rows(_ record: ProvenanceRecord) -> [(String, ReportTable.Cell)] {
    var rows: [(String, ReportTable.Cell)] = []
    if let name = record.modelName {
      rows.append(("Model", .text([name, record.modelVersion ?? ""].joined(separator: " "))))
    }
    if let hash = record.weightsSHA256 { rows.append(("Weights, SHA-256", .code(hash))) }
    if let plan = record.plan { rows.append(("Plan", .text(plan))) }
    for input in record.inputs {
      rows.append(("Input: \(input.role)", .code(input.path)))
      if let hash = input.sha256 { rows.append(("\u{2003}its SHA-256", .code(hash))) }
    }
    if let seed = record.seed { rows.append(("Seed", .text("\(seed)"))) }
    rows.append(("Program", .text("lamina \(record.programVersion)")))
    if let date = record.date { rows.append(("Date", .text(Self.text(of: date)))) }
    if let seconds = record.elapsedSeconds {
      rows.append(("Time", .text(ReportNumber.duration(seconds))))
    }
    if let memory = record.peakMemoryMB {
      rows.append(
        ("Peak memory", .text(ReportNumber.with(ReportNumber.fixed(memory, 0), unit: "MB")))
      )
    }
    if let threads = record.threads { rows.append(("Threads", .text("\(threads)"))) }
    if let command = record.command { rows.append(("Command to repeat it", .code(command))) }
    rows += record.further.map { ($0.name, .text($0.value)) }
    return rows
  }

  func facts(_ caption: String, _ rows: [(String, ReportTable.Cell)]) -> ReportTable {
    ReportTable(
      caption: caption,
      columns: [.init("What", isNumeric: false), .init("Value", isNumeric: false)],
      rows: rows.map { [.text($0.0), $0.1] }
    )
  }

  /// The cards of the models, each once.
  func modelCards(_ parts: Parts) -> [ReportSection] {
    var cards: [(name: String, text: String)] = []
    func add(_ name: String, _ text: String?) {
      guard let text, !cards.contains(where: { $0.text == text }) else { return }
      cards.append((name, text))
    }
    for item in parts.linkedCases { add(item.provenance.modelName ?? "model", item.modelCard) }
    for item in parts.segmentations { add(item.provenance.modelName ?? "model", item.modelCard) }
    for item in parts.trainings { add(item.modelName, item.modelCard) }
    return cards.map { ReportSection("Model card: \($0.name)", [.markdown($0.text)]) }
  }
}
