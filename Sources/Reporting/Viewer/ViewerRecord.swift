/// What a page holds of a case for the viewer; the program reads these names.
struct ViewerRecord: Encodable {
  /// Packed bytes: base64 of a zlib stream.
  struct Values: Encodable {
    var bits: Int
    var data: String
  }

  /// The scan: value = intercept + slope * stored.
  struct Scan: Encodable {
    var bits: Int
    var slope: Double
    var intercept: Double
    var unit: String
    var data: String
  }

  /// A range of grey values.
  struct Window: Encodable {
    var name: String
    var low: Double
    var high: Double
  }

  /// Along an axis the scan's index is `start + step * index`, on its axis `grid`.
  struct Axis: Encodable {
    var grid: Int
    var start: Double
    var step: Double
  }

  /// A structure, stored in voxels as `index`.
  struct Structure: Encodable {
    var index: Int
    var label: Int
    var name: String
    var color: String
    var volume: String
    var centre: [Int]?
  }

  /// The surfaces, see `ViewerMeshEncoder`.
  struct Mesh: Encodable {
    struct Part: Encodable {
      var label: Int
      var vertices: Int
      var triangles: Int
    }
    var low: [Double]
    var step: [Double]
    var parts: [Part]
    var data: String
  }

  var size: [Int]
  var spacing: [Double]
  var origin: [Double]
  var axes: [[Double]]
  var full: [Axis]
  var start: [Int]
  var planes: [String]
  var windows: [Window]
  var scan: Scan
  var labels: Values
  var reference: Values?
  var structures: [Structure]
  var mesh: Mesh?
  var note: String
}
