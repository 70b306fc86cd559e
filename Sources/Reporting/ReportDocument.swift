import Foundation
import Imaging

/// A report as a value: what it says, in order, without any markup.
///
/// Every text in it is plain text; `ReportWriter` escapes it. The notice that the output is not for
/// clinical use is no part of the document, because the writer always adds it.
public struct ReportDocument: Sendable {
  /// A way to another page.
  public struct Link: Sendable, Equatable {
    /// What it says.
    public let text: String
    /// The address.
    public let address: String

    /// Creates a way.
    /// - Parameters:
    ///   - text: What it says.
    ///   - address: The address.
    public init(_ text: String, to address: String) {
      self.text = text
      self.address = address
    }
  }

  /// The way back to the report, on a page that the report links to.
  public var back: Link?
  /// The page's title.
  public var title: String
  /// A line below the title, such as the date and the program's version.
  public var subtitle: String
  /// The sections, in order.
  public var sections: [ReportSection]

  /// Creates a document.
  /// - Parameters:
  ///   - title: The page's title.
  ///   - subtitle: A line below the title.
  ///   - sections: The sections, in order.
  public init(title: String, subtitle: String, sections: [ReportSection]) {
    self.title = title
    self.subtitle = subtitle
    self.sections = sections
  }
}

/// A part of a report with a heading.
public struct ReportSection: Sendable {
  /// The heading, which also stands in the table of contents.
  public var heading: String
  /// The content, in order.
  public var blocks: [ReportBlock]

  /// Creates a section.
  /// - Parameters:
  ///   - heading: The heading.
  ///   - blocks: The content.
  public init(_ heading: String, _ blocks: [ReportBlock]) {
    self.heading = heading
    self.blocks = blocks
  }
}

/// One piece of a section.
public enum ReportBlock: Sendable {
  /// A heading inside the section.
  case subheading(String)
  /// The section's message in larger type.
  case lead(String)
  /// A paragraph.
  case paragraph(String)
  /// A remark in smaller type.
  case note(String)
  /// A few numbers that matter most.
  case keyFigures([KeyFigure])
  /// A table.
  case table(ReportTable)
  /// Pictures side by side.
  case figures([ReportFigure], legend: [LegendEntry])
  /// The interactive viewer of a case; pages without a program do not show it.
  case viewer(ReportViewer)
  /// A chart.
  case chart(ReportChart)
  /// What needs a look; an empty list says that there is nothing.
  case problems([String])
  /// A command or other text to keep as it is.
  case code(String)
  /// Text in a subset of Markdown, such as a model card.
  case markdown(String)
}

/// The data of an interactive viewer.
public struct ReportViewer: Sendable {
  /// The element's name in the page, by which tables refer to it.
  public let id: String
  /// What it shows.
  public let title: String
  /// The case, packed by `ViewerEncoder`.
  let json: String
}

/// A number that matters, with its words.
public struct KeyFigure: Sendable, Equatable {
  /// The number with its unit.
  public let value: String
  /// What it is.
  public let label: String

  /// Creates a key figure.
  /// - Parameters:
  ///   - value: The number with its unit.
  ///   - label: What it is.
  public init(_ value: String, _ label: String) {
    self.value = value
    self.label = label
  }
}

/// A line or area of a picture, explained.
public struct LegendEntry: Sendable, Equatable {
  /// The colour; nil for the white outline of a reference.
  public let color: LabelColor?
  /// What it shows.
  public let label: String

  /// Creates an entry.
  /// - Parameters:
  ///   - color: The colour; nil for the white outline of a reference.
  ///   - label: What it shows.
  public init(_ color: LabelColor?, _ label: String) {
    self.color = color
    self.label = label
  }
}

/// A table with a caption.
public struct ReportTable: Sendable {
  /// A column.
  public struct Column: Sendable, Equatable {
    /// The header.
    public let title: String
    /// The unit, shown after the header; may be empty.
    public let unit: String
    /// Whether the column holds numbers, which stand flush right.
    public let isNumeric: Bool

    /// Creates a column.
    /// - Parameters:
    ///   - title: The header.
    ///   - unit: The unit.
    ///   - isNumeric: Whether the column holds numbers.
    public init(_ title: String, unit: String = "", isNumeric: Bool = true) {
      self.title = title
      self.unit = unit
      self.isNumeric = isNumeric
    }
  }

  /// A cell.
  public enum Cell: Sendable, Equatable {
    case text(String)
    case number(String)
    /// A long value such as a hash or a path, which may break anywhere.
    case code(String)
    /// A structure's name with its colour.
    case structure(String, LabelColor)
    /// A structure's name with its colour, whose row belongs to a structure in a viewer.
    case viewedStructure(String, LabelColor, viewer: String, label: Int)
    /// A text that leads to another page of the report.
    case link(String, to: String)
    /// Nothing to show, and why; the reason stands below the table.
    case undefined(reason: String)
    /// Remarks that need a look; none is shown as a word, not by colour.
    case flags([String])
  }

  /// Rows that belong together.
  public struct Group: Sendable {
    /// What the rows have in common; nil for no heading.
    public let heading: Cell?
    /// The rows, each with a cell for every column.
    public let rows: [[Cell]]

    /// Creates a group.
    /// - Parameters:
    ///   - heading: What the rows have in common.
    ///   - rows: The rows, each with a cell for every column.
    public init(heading: Cell? = nil, rows: [[Cell]]) {
      self.heading = heading
      self.rows = rows
    }
  }

  /// What the table shows.
  public let caption: String
  /// The columns; the first one names the row.
  public let columns: [Column]
  /// The rows.
  public let groups: [Group]

  /// Creates a table.
  /// - Parameters:
  ///   - caption: What the table shows.
  ///   - columns: The columns; the first one names the row.
  ///   - groups: The rows.
  /// - Precondition: Every row has a cell for every column.
  public init(caption: String, columns: [Column], groups: [Group]) {
    precondition(
      groups.allSatisfy { $0.rows.allSatisfy { $0.count == columns.count } },
      "a row of \(caption) does not fill it"
    )
    self.caption = caption
    self.columns = columns
    self.groups = groups
  }

  /// Creates a table without groups.
  /// - Parameters:
  ///   - caption: What the table shows.
  ///   - columns: The columns; the first one names the row.
  ///   - rows: The rows, each with a cell for every column.
  public init(caption: String, columns: [Column], rows: [[Cell]]) {
    self.init(caption: caption, columns: columns, groups: [Group(rows: rows)])
  }
}

/// A picture of a slice.
public struct ReportFigure: Sendable {
  /// The PNG file's bytes.
  public let png: Data
  /// Pixels along a row and rows.
  public let size: SIMD2<Int>
  /// The picture's width, mm; nil where it has none.
  public let widthMM: Double?
  /// What the picture shows, for those who cannot see it.
  public let alternative: String
  /// The caption.
  public let caption: String
  /// The sides of the patient at the left, right, top and bottom edges; empty where there is none.
  public let edges: [Character]

  /// Creates a figure.
  /// - Parameters:
  ///   - png: The PNG file's bytes.
  ///   - size: Pixels along a row and rows.
  ///   - widthMM: The picture's width, mm; nil where it has none.
  ///   - alternative: What the picture shows, in words.
  ///   - caption: The caption.
  ///   - edges: The sides of the patient at the left, right, top and bottom edges.
  public init(
    png: Data,
    size: SIMD2<Int>,
    widthMM: Double?,
    alternative: String,
    caption: String,
    edges: [Character]
  ) {
    self.png = png
    self.size = size
    self.widthMM = widthMM
    self.alternative = alternative
    self.caption = caption
    self.edges = edges
  }
}
